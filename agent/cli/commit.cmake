# cmake -DSOURCE=… -DGIVEN=… -DOUT=… -P commit.cmake   writes OUT with the commit that is built: GIVEN where it is set
# (packages built from an archive), else what git says, "+changes" behind it where files differ from it; else empty.
# Left alone where it says that already, so that nothing is built anew.
set(COMMIT "${GIVEN}")
find_program(GIT git)
if(NOT COMMIT AND GIT AND EXISTS "${SOURCE}/.git")
  # Whoever builds may be another than the owner of the sources.
  set(ASK "${GIT}" -c "safe.directory=${SOURCE}" -C "${SOURCE}")
  execute_process(COMMAND ${ASK} rev-parse --verify HEAD OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  execute_process(COMMAND ${ASK} diff --quiet HEAD RESULT_VARIABLE CHANGED ERROR_QUIET)
  if(COMMIT AND NOT CHANGED EQUAL 0)
    string(APPEND COMMIT "+changes")
  endif()
endif()
set(TEXT "#define BUNDLESYNC_COMMIT \"${COMMIT}\"\n")
if(EXISTS "${OUT}")
  file(READ "${OUT}" BEFORE)
endif()
if(NOT TEXT STREQUAL "${BEFORE}")
  file(WRITE "${OUT}" "${TEXT}")
endif()
