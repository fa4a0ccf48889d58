# libuv, for tidemill::uv: TIDEMILL_WITH_LIBUV is AUTO (if it is found), ON (or fail) or OFF.
#
# Afterwards TIDEMILL_WITH_LIBUV is a plain truth value, and the target LibUV::uv exists if it is.
# The name is the one that libuv's own package gives its target; Debian's has no package for CMake,
# so it is found by pkg-config's words or by search here and by those who use the installed package.
set(TIDEMILL_WITH_LIBUV AUTO CACHE STRING "Build tidemill::uv: AUTO (if libuv is found), ON, OFF")
set_property(CACHE TIDEMILL_WITH_LIBUV PROPERTY STRINGS AUTO ON OFF)

if(TIDEMILL_WITH_LIBUV STREQUAL "AUTO")
  find_package(LibUV 1.44 QUIET MODULE)
elseif(TIDEMILL_WITH_LIBUV)
  find_package(LibUV 1.44 REQUIRED MODULE)
endif()
set(wanted ${TIDEMILL_WITH_LIBUV})
unset(TIDEMILL_WITH_LIBUV)
set(TIDEMILL_WITH_LIBUV OFF)
if(wanted AND LibUV_FOUND AND UNIX)
  set(TIDEMILL_WITH_LIBUV ON)
endif()
if(wanted STREQUAL "AUTO" AND NOT TIDEMILL_WITH_LIBUV)
  message(STATUS "libuv 1.44 was not found: tidemill::uv and its tests are left out")
endif()
