# tidemill_header_self_test(<library>): every public header must compile alone, and twice in a row.
#
# The list is found, not written: a header that is installed cannot be forgotten here. Nobody else
# needs what is built, so it is no part of `all`: `./dev test --all` asks for it.
function(tidemill_header_self_test library)
  file(
    GLOB_RECURSE headers
    RELATIVE ${PROJECT_SOURCE_DIR}/include
    CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/*.hpp)
  set(sources)
  foreach(header IN LISTS headers)
    set(source ${PROJECT_BINARY_DIR}/header_self_test/${header}.cpp)
    file(CONFIGURE OUTPUT ${source} CONTENT "#include <@header@>\n#include <@header@>\n" @ONLY)
    list(APPEND sources ${source})
  endforeach()
  add_library(header_self_test OBJECT EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(header_self_test PRIVATE ${library})
  tidemill_compile(header_self_test QUICK)
endfunction()
