# Installation: library, headers, command, CMake package and pkg-config file.
install(TARGETS brenier EXPORT brenier-targets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS brenier_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/brenier ${PROJECT_BINARY_DIR}/include/brenier DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The installed command finds the library beside it, wherever the prefix lies.
file(RELATIVE_PATH lib_from_bin ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
set_target_properties(brenier_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${lib_from_bin}")

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/brenier)
install(EXPORT brenier-targets NAMESPACE brenier:: DESTINATION ${package_dir})
configure_package_config_file(cmake/brenier-config.cmake.in ${PROJECT_BINARY_DIR}/brenier-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/brenier-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/brenier-config.cmake ${PROJECT_BINARY_DIR}/brenier-config-version.cmake
        DESTINATION ${package_dir})

file(RELATIVE_PATH BRN_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/brenier.pc.in ${PROJECT_BINARY_DIR}/brenier.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/brenier.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
