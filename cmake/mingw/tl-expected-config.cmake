include(${CMAKE_CURRENT_LIST_DIR}/header-package.cmake)
header_package(tl::expected tl)
