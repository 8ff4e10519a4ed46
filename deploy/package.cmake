# Packages: `cmake --workflow --preset package` leaves build/package/bundlesync_VERSION_ARCH.deb; deploy/make-tarball
# makes an archive of the same for other distributions.
include(GNUInstallDirs)
set(PACKAGE_FILES ${CMAKE_BINARY_DIR}/package)

# What the program knows about itself is asked of it, when it is packed: no build waits for it.
install(CODE "
  file(MAKE_DIRECTORY ${PACKAGE_FILES})
  foreach(made \"man;bundlesync.1\" \"completion bash;completion.bash\" \"completion zsh;completion.zsh\")
    list(GET made 0 words)
    list(GET made 1 name)
    separate_arguments(words)
    execute_process(COMMAND $<TARGET_FILE:bundlesync> \${words} OUTPUT_FILE ${PACKAGE_FILES}/\${name} COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
  execute_process(COMMAND gzip -9 -n -f -k ${PACKAGE_FILES}/bundlesync.1 COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND gzip -9 -n -c ${CMAKE_SOURCE_DIR}/CHANGELOG.md OUTPUT_FILE ${PACKAGE_FILES}/changelog.gz
                  COMMAND_ERROR_IS_FATAL ANY)")
# The sample, with the target of the unit.
file(READ ${CMAKE_SOURCE_DIR}/config/agent.yaml SAMPLE)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/config/agent.yaml)
string(REPLACE "\ntarget: /prompts\n" "\ntarget: /var/lib/bundlesync/prompts\n" PACKAGED "${SAMPLE}")
if(PACKAGED STREQUAL SAMPLE)
  message(FATAL_ERROR "config/agent.yaml has no 'target: /prompts' to put the packaged target in its place")
endif()
string(REPLACE "$schema=agent.schema.json" "$schema=/usr/share/bundlesync/agent.schema.json" PACKAGED "${PACKAGED}")
file(WRITE ${PACKAGE_FILES}/agent.yaml "${PACKAGED}")

install(TARGETS bundlesync RUNTIME DESTINATION bin)
install(FILES systemd/bundlesync.service systemd/bundlesync@.service DESTINATION lib/systemd/system)
install(FILES systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME bundlesync.conf)
install(FILES systemd/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME bundlesync.conf)
install(FILES systemd/app.conf systemd/credentials.conf systemd/group.conf DESTINATION share/doc/bundlesync/examples)
install(FILES config/agent.schema.json config/manifest.schema.json DESTINATION share/bundlesync)
install(FILES config/env.example DESTINATION share/doc/bundlesync/examples)
install(FILES LICENSE DESTINATION share/doc/bundlesync RENAME copyright)
install(FILES ${PACKAGE_FILES}/changelog.gz DESTINATION share/doc/bundlesync)
install(FILES ${PACKAGE_FILES}/bundlesync.1.gz DESTINATION share/man/man1)
install(FILES ${PACKAGE_FILES}/completion.bash DESTINATION share/bash-completion/completions RENAME bundlesync)
install(FILES ${PACKAGE_FILES}/completion.zsh DESTINATION share/zsh/vendor-completions RENAME _bundlesync)
install(FILES ${PACKAGE_FILES}/agent.yaml DESTINATION /etc/bundlesync)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME bundlesync)
set(CPACK_PACKAGE_VERSION ${BUNDLESYNC_RELEASE})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Keeps a directory of prompt bundles in step with Postgres")
set(CPACK_PACKAGE_DESCRIPTION
  "Teams keep LLM prompts as versioned bundles in Postgres and an object storage.\nbundlesync runs beside an app and makes a directory show the default versions,\ncomplete and verified, each change by one rename.")
set(CPACK_PACKAGE_CONTACT "The bundlesync authors <bundlesync@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS passwd)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_SOURCE_DIR}/deploy/debian/conffiles ${CMAKE_SOURCE_DIR}/deploy/debian/postinst
  ${CMAKE_SOURCE_DIR}/deploy/debian/prerm ${CMAKE_SOURCE_DIR}/deploy/debian/postrm)
include(CPack)
