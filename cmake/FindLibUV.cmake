# FindLibUV: finds libuv and its version; gives LibUV::uv, LibUV_FOUND and LibUV_VERSION.
#
# Installed beside the package's own files, since tidemill::uv needs it there as well.
find_path(LibUV_INCLUDE_DIR uv.h)
find_library(LibUV_LIBRARY uv)
mark_as_advanced(LibUV_INCLUDE_DIR LibUV_LIBRARY)

set(LibUV_VERSION)
if(LibUV_INCLUDE_DIR AND EXISTS ${LibUV_INCLUDE_DIR}/uv/version.h)
  file(STRINGS ${LibUV_INCLUDE_DIR}/uv/version.h lines
       REGEX "#define UV_VERSION_(MAJOR|MINOR|PATCH)")
  string(REGEX REPLACE "[^0-9]+" "." LibUV_VERSION "${lines}")
  string(REGEX REPLACE "^\\.|\\.$" "" LibUV_VERSION "${LibUV_VERSION}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibUV REQUIRED_VARS LibUV_LIBRARY LibUV_INCLUDE_DIR
                                        VERSION_VAR LibUV_VERSION)
if(LibUV_FOUND AND NOT TARGET LibUV::uv)
  add_library(LibUV::uv UNKNOWN IMPORTED)
  set_target_properties(LibUV::uv PROPERTIES IMPORTED_LOCATION ${LibUV_LIBRARY}
                                             INTERFACE_INCLUDE_DIRECTORIES ${LibUV_INCLUDE_DIR})
endif()
