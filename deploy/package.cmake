# Debian packages by CPack: patronusd and patronusctl, each with its manual page; made by deploy/package.
#
# libraft is not in Debian 12: where no package owns it, it goes along in /usr/lib/patronus, found by the program's run path.
include(GNUInstallDirs)
set(PACKAGE_FILES ${CMAKE_BINARY_DIR}/package)
set(PRIVATE_LIBS /usr/lib/patronus)
set(DEBIAN ${CMAKE_SOURCE_DIR}/deploy/debian)
file(MAKE_DIRECTORY ${PACKAGE_FILES})

# ---- what is generated: manual pages and the completion, from the programs' own tables
add_custom_command(OUTPUT ${PACKAGE_FILES}/patronusd.8.gz ${PACKAGE_FILES}/patronusctl.1.gz ${PACKAGE_FILES}/patronusctl.bash
        ${PACKAGE_FILES}/patronusctl.zsh ${PACKAGE_FILES}/patronusctl.fish
        ${PACKAGE_FILES}/changelog.gz
    COMMAND sh -c "\"$1\" man | gzip -9n >patronusd.8.gz" sh $<TARGET_FILE:patronusd>
    COMMAND sh -c "\"$1\" man | gzip -9n >patronusctl.1.gz" sh $<TARGET_FILE:patronusctl>
    COMMAND sh -c "for shell in bash zsh fish; do \"$1\" completion $shell >patronusctl.$shell || exit 1; done" sh
        $<TARGET_FILE:patronusctl>
    COMMAND sh -c "sed 's/@VERSION@/${PROJECT_VERSION}/' \"$1\" | gzip -9n >changelog.gz" sh ${DEBIAN}/changelog
    WORKING_DIRECTORY ${PACKAGE_FILES}
    DEPENDS patronusd patronusctl ${DEBIAN}/changelog VERBATIM)
# ---- patronusd
set_target_properties(patronusd PROPERTIES INSTALL_RPATH ${PRIVATE_LIBS})
install(TARGETS patronusd RUNTIME DESTINATION bin COMPONENT patronusd)
find_library(RAFT_LIB NAMES libraft.so.0 raft PATHS ${raft_LIBDIR} REQUIRED)
file(REAL_PATH ${RAFT_LIB} RAFT_FILE)
execute_process(COMMAND dpkg-query -S ${RAFT_FILE} RESULT_VARIABLE no_package OUTPUT_QUIET ERROR_QUIET)
if(NOT no_package EQUAL 0)
    add_custom_command(OUTPUT ${PACKAGE_FILES}/libraft.so.0
        COMMAND ${CMAKE_STRIP} --strip-unneeded -o ${PACKAGE_FILES}/libraft.so.0 ${RAFT_FILE}
        DEPENDS ${RAFT_FILE} VERBATIM)
    set(PRIVATE_FILES ${PACKAGE_FILES}/libraft.so.0)
    install(FILES ${PRIVATE_FILES} DESTINATION lib/patronus COMPONENT patronusd)
endif()
install(FILES deploy/systemd/patronusd.service DESTINATION lib/systemd/system COMPONENT patronusd)
install(FILES ${PACKAGE_FILES}/patronusd.8.gz DESTINATION share/man/man8 COMPONENT patronusd)
install(FILES deploy/debian/patronusd.conf DESTINATION share/doc/patronusd/examples COMPONENT patronusd)

# ---- patronusctl
install(TARGETS patronusctl RUNTIME DESTINATION bin COMPONENT patronusctl)
install(FILES ${PACKAGE_FILES}/patronusctl.1.gz DESTINATION share/man/man1 COMPONENT patronusctl)
install(FILES ${PACKAGE_FILES}/patronusctl.bash DESTINATION share/bash-completion/completions RENAME patronusctl
    COMPONENT patronusctl)
install(FILES ${PACKAGE_FILES}/patronusctl.zsh DESTINATION share/zsh/vendor-completions RENAME _patronusctl COMPONENT patronusctl)
install(FILES ${PACKAGE_FILES}/patronusctl.fish DESTINATION share/fish/vendor_completions.d COMPONENT patronusctl)

foreach(package patronusd patronusctl)
    install(FILES deploy/debian/copyright DESTINATION share/doc/${package} COMPONENT ${package})
    install(FILES ${PACKAGE_FILES}/changelog.gz DESTINATION share/doc/${package} COMPONENT ${package})
endforeach()

add_custom_target(package_files DEPENDS ${PACKAGE_FILES}/patronusd.8.gz ${PRIVATE_FILES})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME patronus)
set(CPACK_PACKAGE_CONTACT "Patronus developers <developers@patronus-sdwan.invalid>")
set(CPACK_DEBIAN_PACKAGE_HOMEPAGE "https://github.com/patronus-sdwan/patronus")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL patronusd patronusctl)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
get_filename_component(RAFT_FOLDER ${RAFT_FILE} DIRECTORY)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${RAFT_FOLDER})
set(CPACK_DEBIAN_PATRONUSD_PACKAGE_NAME patronusd)
set(CPACK_DEBIAN_PATRONUSCTL_PACKAGE_NAME patronusctl)
set(CPACK_COMPONENT_PATRONUSD_DESCRIPTION "node of a Patronus SD-WAN
A controller keeps the desired state with the others by Raft, computes paths and
sends each edge a signed bundle; an edge forwards by eBPF and measures its links.
One program is both, as the token says that it joins with.")
set(CPACK_COMPONENT_PATRONUSCTL_DESCRIPTION "command line of a Patronus SD-WAN
Declares, reads and watches the resources of a cluster, applies files of YAML and
JSON, and says what is wrong and what to do.")
set(CPACK_DEBIAN_PATRONUSD_PACKAGE_DEPENDS "init-system-helpers, libwebsockets-evlib-uv")
set(CPACK_DEBIAN_PATRONUSD_PACKAGE_RECOMMENDS "patronusctl, iproute2")
set(CPACK_DEBIAN_PATRONUSCTL_PACKAGE_SUGGESTS "patronusd, bash-completion")
set(CPACK_DEBIAN_PATRONUSD_PACKAGE_CONTROL_EXTRA ${DEBIAN}/postinst ${DEBIAN}/prerm ${DEBIAN}/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
