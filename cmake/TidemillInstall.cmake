# What `cmake --install` puts down, so that find_package(tidemill) gives tidemill::tidemill and
# tidemill::tls, and find_package(tidemill COMPONENTS uv) gives tidemill::uv as well.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tidemill)
install(TARGETS tidemill tidemill_tls EXPORT tidemill-targets)
install(DIRECTORY include/tidemill DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(
  EXPORT tidemill-targets
  NAMESPACE tidemill::
  DESTINATION ${package_dir})
if(TARGET tidemill_uv)
  # Apart from the rest: who does not want it needs no libuv.
  install(TARGETS tidemill_uv EXPORT tidemill-uv-targets)
  install(
    EXPORT tidemill-uv-targets
    NAMESPACE tidemill::
    DESTINATION ${package_dir})
  install(FILES ${PROJECT_SOURCE_DIR}/cmake/FindLibUV.cmake DESTINATION ${package_dir})
endif()
configure_package_config_file(cmake/tidemill-config.cmake.in tidemill-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(tidemill-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tidemill-config.cmake
              ${PROJECT_BINARY_DIR}/tidemill-config-version.cmake DESTINATION ${package_dir})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
