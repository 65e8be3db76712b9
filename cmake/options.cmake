# Flags for our own code: strict, 80-column-clean C11 and C++17 for the one
# simdjson shim.  CUPEL_SANITIZE is a comma list for -fsanitize.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # __int128, and POSIX behind base/
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")

option(CUPEL_TESTS "Build the tests" OFF)
option(CUPEL_BENCH "Build the benchmark" OFF)
option(CUPEL_SABOTAGE "Build the switches that break cupel on purpose" OFF)
set(CUPEL_SANITIZE "" CACHE STRING "for example address,undefined")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(cu_flags INTERFACE)
target_include_directories(cu_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(cu_flags INTERFACE _GNU_SOURCE
  CUPEL_VERSION="${PROJECT_VERSION}")
target_compile_options(cu_flags INTERFACE -Wall -Wextra -Wshadow -Wvla -Werror
  -fstack-protector-strong
  $<$<COMPILE_LANGUAGE:C>:-Wconversion;-Wstrict-prototypes;-Wmissing-prototypes>)
if(CUPEL_TESTS OR CUPEL_SABOTAGE)
  # The simulation and the sabotage switches exist only in test builds.
  target_compile_definitions(cu_flags INTERFACE CU_SLOW_ASSERTS CU_SABOTAGE)
endif()
if(CUPEL_SANITIZE)
  target_compile_options(cu_flags INTERFACE -fsanitize=${CUPEL_SANITIZE}
    -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_link_options(cu_flags INTERFACE -fsanitize=${CUPEL_SANITIZE})
endif()
