include(${CMAKE_CURRENT_LIST_DIR}/header-package.cmake)
header_package(doctest::doctest doctest)
