# header_package(<target> <directory> [<definition>...]): a library of headers only, of which the
# machine that builds has /usr/include/<directory>.
#
# /usr/include itself must not be searched, since it holds the headers of another system. So the one
# directory is linked to from a place of its own.
function(header_package target directory)
  find_path(
    TIDEMILL_HOST_${directory} ${directory}
    PATHS /usr/include /usr/local/include
    NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH REQUIRED)
  mark_as_advanced(TIDEMILL_HOST_${directory})
  set(place ${CMAKE_BINARY_DIR}/host_headers/${directory})
  file(MAKE_DIRECTORY ${place})
  file(CREATE_LINK ${TIDEMILL_HOST_${directory}}/${directory} ${place}/${directory} SYMBOLIC)
  if(NOT TARGET ${target})
    add_library(${target} INTERFACE IMPORTED)
    target_include_directories(${target} SYSTEM INTERFACE ${place})
    target_compile_definitions(${target} INTERFACE ${ARGN})
  endif()
endfunction()
