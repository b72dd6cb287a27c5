# SPDX-License-Identifier: Apache-2.0
# Takes the prompt out of a build of its own (locked.c), unless DUOTAP_DEVELOP is set: then it is a
# development build, and boards/firmware.py gives it a digest that says so.
if("$ENV{DUOTAP_DEVELOP}" STREQUAL "")
    list(APPEND MICROPY_SOURCE_BOARD ${CMAKE_CURRENT_LIST_DIR}/locked.c)
    foreach(function mp_hal_set_interrupt_char pyexec_friendly_repl pyexec_raw_repl)
        add_link_options(-Wl,--wrap=${function} -Wl,--undefined=__wrap_${function})
    endforeach()
endif()
