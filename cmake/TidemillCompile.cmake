# How our own code is compiled: language, warnings, paths.
#
# Functions that act on one target, so that nothing leaks into a project that adds tidemill as a
# subdirectory, and nothing has to be exported with the installed package.

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(TIDEMILL_CCACHE ccache)
if(PROJECT_IS_TOP_LEVEL AND TIDEMILL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${TIDEMILL_CCACHE})
endif()

set(TIDEMILL_WARNINGS
    -Wall
    -Wextra
    -Wpedantic
    -Wconversion
    -Wsign-conversion
    -Wshadow
    -Wnon-virtual-dtor
    -Wold-style-cast
    -Woverloaded-virtual)

# MSVC has switches of its own; the names of the warnings above mean nothing to it.
set(TIDEMILL_FATAL_WARNINGS -Werror)
if(MSVC)
  set(TIDEMILL_WARNINGS /W4 /permissive- /utf-8 /EHsc)
  set(TIDEMILL_FATAL_WARNINGS /WX)
endif()

# Messages name files of the tree, not of the machine that built them. ccache with a base directory
# hands relative paths to the compiler, so both spellings of the top are taken off.
cmake_path(RELATIVE_PATH PROJECT_SOURCE_DIR BASE_DIRECTORY ${PROJECT_BINARY_DIR}
           OUTPUT_VARIABLE relative_top)
set(TIDEMILL_PREFIX_MAPS -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=
                         -fmacro-prefix-map=${relative_top}/=)
if(MSVC)
  set(TIDEMILL_PREFIX_MAPS)
endif()

# Position-independent code lets a program replace every function, so GCC would inline none that
# other files see. Nobody replaces ours.
include(CheckCXXCompilerFlag)
check_cxx_compiler_flag(-fno-semantic-interposition TIDEMILL_HAS_NO_INTERPOSITION)
set(TIDEMILL_INLINING $<$<BOOL:${TIDEMILL_HAS_NO_INTERPOSITION}>:-fno-semantic-interposition>)

set(TIDEMILL_QUICK_FLAGS "" CACHE STRING
    "Further flags for what is compiled more often than it runs: tests and tools, e.g. -O0")

# tidemill_compile(<target> [QUICK]): compiles <target> as code of this project.
function(tidemill_compile target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "QUICK" "" "")
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(
    ${target} PRIVATE ${TIDEMILL_WARNINGS} $<$<BOOL:${TIDEMILL_WERROR}>:${TIDEMILL_FATAL_WARNINGS}>
                      ${TIDEMILL_PREFIX_MAPS} ${TIDEMILL_INLINING})
  if(arg_QUICK)
    separate_arguments(flags NATIVE_COMMAND "${TIDEMILL_QUICK_FLAGS}")
    target_compile_options(${target} PRIVATE ${flags})
  endif()
endfunction()

# tidemill_compile_quickly(<source>...): sources of the calling directory that run but once,
# such as those that read a command line, in a target that is compiled with care.
function(tidemill_compile_quickly)
  separate_arguments(flags NATIVE_COMMAND "${TIDEMILL_QUICK_FLAGS}")
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "${flags}")
endfunction()
