# Cross-compiles for 64-bit Windows with Debian's mingw-w64 (posix threads), and runs what comes of
# it under Wine. To be used by the preset `mingw`.
#
# -static: a program that needs the compiler's DLLs does not start under Wine by itself. The
# portable headers that the tests and examples use come from the packages beside this file.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(TIDEMILL_MINGW_HOST x86_64-w64-mingw32)
set(CMAKE_C_COMPILER ${TIDEMILL_MINGW_HOST}-gcc-posix)
set(CMAKE_CXX_COMPILER ${TIDEMILL_MINGW_HOST}-g++-posix)
set(CMAKE_RC_COMPILER ${TIDEMILL_MINGW_HOST}-windres)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/../../tools/wine-run)

# Built from source the first time, which takes some minutes; then it comes from the cache.
get_property(is_trial GLOBAL PROPERTY IN_TRY_COMPILE)
if(NOT is_trial AND NOT OPENSSL_ROOT_DIR)
  execute_process(
    COMMAND ${CMAKE_CURRENT_LIST_DIR}/../../tools/openssl-mingw
    OUTPUT_VARIABLE openssl OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(OPENSSL_ROOT_DIR ${openssl} CACHE PATH "OpenSSL for Windows, made by tools/openssl-mingw")
endif()
set(CMAKE_FIND_ROOT_PATH /usr/${TIDEMILL_MINGW_HOST} ${OPENSSL_ROOT_DIR})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE NEVER)
# Packages of the machine that builds would bring its libraries and the headers of its system.
set(CMAKE_FIND_USE_CMAKE_SYSTEM_PATH OFF)
list(APPEND CMAKE_PREFIX_PATH ${CMAKE_CURRENT_LIST_DIR})
