# Sanitizers act on the whole build: a library and a test that disagree report nonsense.
if(TIDEMILL_SANITIZE)
  add_compile_options(-fsanitize=${TIDEMILL_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TIDEMILL_SANITIZE})
  if(TIDEMILL_SANITIZE MATCHES "undefined")
    # Its runtime opens a pipe to see whether a virtual table can be read, and takes a failure for a
    # wrong type: it would report every first virtual call of a process that is out of descriptors,
    # which is a state that we test.
    add_compile_options(-fno-sanitize=vptr)
  endif()
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND TIDEMILL_SANITIZE MATCHES "undefined")
    # clang 14 reports the resume function of every coroutine as a call of a wrong type.
    add_compile_options(-fno-sanitize=function)
  endif()
endif()
