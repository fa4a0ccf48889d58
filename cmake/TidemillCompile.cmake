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

# tidemill_compile(<target>): compiles <target> as code of this project.
function(tidemill_compile target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(
    ${target} PRIVATE ${TIDEMILL_WARNINGS} $<$<BOOL:${TIDEMILL_WERROR}>:-Werror>
                      # Messages name files of the tree, not of the machine that built them.
                      -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
endfunction()
