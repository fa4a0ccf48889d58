# tidemill_test: one doctest binary and its ctest entries.
#
#   tidemill_test(<name> SOURCES <file>...
#                 [LIBRARIES <target>...]     further libraries
#                 [EVERY_SELECTOR]            one entry per selector: <name>.epoll, <name>.poll, ...
#                 [SELECTOR_TYPES <Type>...]  one entry per type argument: -tc=*<Type>
#                 [NOT_UNDER_SANITIZERS]      for binaries in which every case would be skipped
#                 [SERIAL])                   the entries run alone
#
# EVERY_SELECTOR picks by the environment (TIDEMILL_SELECTOR), for tests that go through EventLoop.
# SELECTOR_TYPES picks by the name that doctest gives to a TEST_CASE_TEMPLATE, for the conformance
# suite; a further entry proves that no case of the binary falls outside of the listed types.
#
# Each entry leaves a report, reports/<entry>.tsv, that names the cases it ran and counts their
# assertions; a run without assertions fails (tests/support/main.cpp).

set(TIDEMILL_SELECTORS poll select)
if(WIN32)
  set(TIDEMILL_SELECTORS iocp wsapoll select)
elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  list(PREPEND TIDEMILL_SELECTORS epoll)
endif()
if(TARGET tidemill::uv)
  list(APPEND TIDEMILL_SELECTORS uv)
endif()
set(TIDEMILL_REPORTS ${PROJECT_BINARY_DIR}/reports)
set(TIDEMILL_SKIPS)
if(WIN32)
  set(TIDEMILL_SKIPS "TIDEMILL_SKIPS=${PROJECT_SOURCE_DIR}/tests/data/not_on_windows.txt")
endif()

function(tidemill_add_test_entry entry)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "" "COMMAND;ENVIRONMENT")
  set(report ${TIDEMILL_REPORTS}/${entry}.tsv)
  add_test(NAME ${entry} COMMAND ${arg_COMMAND})
  set_tests_properties(
    ${entry}
    PROPERTIES TIMEOUT 120 ENVIRONMENT
               "TIDEMILL_TEST_REPORT=${report};${TIDEMILL_SKIPS};${arg_ENVIRONMENT}"
               RUN_SERIAL ${arg_SERIAL})
  set_property(GLOBAL APPEND PROPERTY TIDEMILL_TEST_ENTRIES ${entry})
endfunction()

# With TIDEMILL_PRECOMPILE, what nearly every test includes is read once: that halves the time which
# the tests take to compile. Builds without it see to it that each test includes what it uses.
function(tidemill_precompile target)
  if(TIDEMILL_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM tests_precompiled)
    target_compile_options(${target} PRIVATE -fpch-preprocess) # for ccache
  endif()
endfunction()

function(tidemill_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "EVERY_SELECTOR;NOT_UNDER_SANITIZERS;SERIAL" ""
                        "SOURCES;LIBRARIES;SELECTOR_TYPES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tidemill_test(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(target test_${name})
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE tests_main ${arg_LIBRARIES})
  tidemill_compile(${target} QUICK)
  tidemill_precompile(${target})
  if(arg_NOT_UNDER_SANITIZERS AND TIDEMILL_SANITIZE)
    return()
  endif()

  set(options)
  if(arg_SERIAL)
    set(options SERIAL)
  endif()
  if(arg_EVERY_SELECTOR)
    foreach(selector IN LISTS TIDEMILL_SELECTORS)
      tidemill_add_test_entry(${name}.${selector} ${options} COMMAND ${target}
                              ENVIRONMENT TIDEMILL_SELECTOR=${selector})
    endforeach()
  elseif(arg_SELECTOR_TYPES)
    foreach(type IN LISTS arg_SELECTOR_TYPES)
      string(TOLOWER ${type} suffix)
      tidemill_add_test_entry(${name}.${suffix} ${options} COMMAND ${target} "-tc=*<${type}>"
                              ENVIRONMENT TIDEMILL_SELECTOR=${suffix})
    endforeach()
    list(TRANSFORM arg_SELECTOR_TYPES REPLACE "(.+)" "*<\\1>" OUTPUT_VARIABLE filters)
    list(JOIN filters "," filters)
    add_test(NAME ${name}.every_case_has_a_type COMMAND ${target} --count "-tce=${filters}")
    set_tests_properties(${name}.every_case_has_a_type
                         PROPERTIES TIMEOUT 120 PASS_REGULAR_EXPRESSION "current filters: 0\n")
  else()
    tidemill_add_test_entry(${name} ${options} COMMAND ${target})
  endif()
endfunction()

# tidemill_finish_tests(<variable>): forgets the reports of entries that no longer exist, and sets
# the variable to the entries that do. To be called once, after the last tidemill_test.
function(tidemill_finish_tests entries)
  get_property(known GLOBAL PROPERTY TIDEMILL_TEST_ENTRIES)
  file(MAKE_DIRECTORY ${TIDEMILL_REPORTS})
  file(GLOB reports ${TIDEMILL_REPORTS}/*.tsv)
  foreach(report IN LISTS reports)
    cmake_path(GET report STEM LAST_ONLY entry)
    if(NOT entry IN_LIST known)
      file(REMOVE ${report})
    endif()
  endforeach()
  set(${entries} ${known} PARENT_SCOPE)
endfunction()
