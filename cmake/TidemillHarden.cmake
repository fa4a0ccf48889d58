# tidemill_harden(<target>): the compiler's and linker's defences, for programs that meet strangers.
#
# Only with optimisation (_FORTIFY_SOURCE needs it) and never with sanitizers, whose interceptors
# the fortified calls would go round.
include(CheckCXXSourceCompiles)
check_cxx_source_compiles(
  "#include <features.h>
   #if !__GLIBC_PREREQ(2, 35)
   #error older
   #endif
   int main() {}"
  TIDEMILL_FORTIFY_LEVEL_3)

function(tidemill_harden target)
  if(TIDEMILL_SANITIZE OR WIN32)
    return()
  endif()
  set(level 2)
  if(TIDEMILL_FORTIFY_LEVEL_3)
    set(level 3)
  endif()
  set(optimised $<NOT:$<CONFIG:Debug>>)
  target_compile_definitions(${target} PRIVATE _GLIBCXX_ASSERTIONS)
  target_compile_options(
    ${target} PRIVATE $<${optimised}:-U_FORTIFY_SOURCE> $<${optimised}:-D_FORTIFY_SOURCE=${level}>
                      -fstack-protector-strong -fPIE)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
    target_compile_options(${target} PRIVATE -fstack-clash-protection -fcf-protection)
  endif()
  target_link_options(${target} PRIVATE -pie)
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now,-z,noexecstack)
  endif()
endfunction()
