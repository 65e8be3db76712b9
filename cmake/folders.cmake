# cu_library(NAME FOLDER [PUBLIC libs] [PRIVATE libs])
# A static library cu_NAME of every source file in FOLDER (main.c excepted).
function(cu_library name folder)
  cmake_parse_arguments(ARG "" "" "PUBLIC;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.c ${folder}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.c$")
  if(NOT sources)
    add_library(cu_${name} INTERFACE)
    target_link_libraries(cu_${name} INTERFACE cu_flags ${ARG_PUBLIC})
    return()
  endif()
  add_library(cu_${name} STATIC ${sources})
  target_link_libraries(cu_${name} PUBLIC cu_flags ${ARG_PUBLIC}
                        PRIVATE ${ARG_PRIVATE})
endfunction()

# cu_binary(NAME MAIN): the program; nothing of libpg_query leaks out of it.
function(cu_binary name main)
  if(NOT EXISTS ${CMAKE_SOURCE_DIR}/${main})
    return()
  endif()
  add_executable(${name} ${main})
  target_link_libraries(${name} PRIVATE cu_ops)
  target_link_options(${name} PRIVATE -Wl,--exclude-libs,ALL)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# cu_test_folder(NAME libs...): tests/unit/NAME/test_*.c as one Criterion
# program unit_NAME, with whatever helpers stand beside them.
function(cu_test_folder name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${name}/*.c)
  if(NOT sources)
    return()
  endif()
  add_executable(unit_${name} ${sources})
  target_link_libraries(unit_${name} PRIVATE cu_support ${ARGN} dep::criterion)
  # Criterion's macros are not written for these two.
  target_compile_options(unit_${name} PRIVATE -Wno-conversion
    -Wno-missing-prototypes)
  add_test(NAME unit_${name} COMMAND unit_${name})
endfunction()
