# Compiler flags, and the two functions by which every folder is built:
# a folder is a library of its *.cc files; a program is one main file on top.

set(CMAKE_CXX_FLAGS_DEV "-O1 -g1 -D_GLIBCXX_ASSERTIONS")
set(CMAKE_C_FLAGS_DEV "-O1 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")

add_compile_options(-Wall -Wextra -Wno-missing-field-initializers)
if(SHEAF_WARNINGS_FAIL)
  # Off where a compiler that nobody here has seen only has to build.
  add_compile_options(-Werror)
endif()
add_compile_options(-fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND
    (SHEAF_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL "Release"))
  # GCC 12 sees ghosts inside std::variant and std::regex, at -O2 and under the
  # sanitizers.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized>)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
add_link_options(-Wl,-z,relro,-z,now)

if(SHEAF_SANITIZE)
  add_compile_options(-fsanitize=${SHEAF_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SHEAF_SANITIZE})
  if(SHEAF_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

if(SHEAF_FUZZ)
  # Every object counts its edges; the fuzzers add libFuzzer's main. Clang's
  # opinions on style are not what this build is for.
  add_compile_options(-fsanitize=fuzzer-no-link -Wno-error)
  # But it alone holds locks against what they guard.
  add_compile_options(-Wthread-safety -Werror=thread-safety)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()

find_program(SHEAF_CCACHE ccache)
if(SHEAF_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
    CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
    ${SHEAF_CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
  endif()
endif()

find_program(SHEAF_MOLD ld.mold)
find_program(SHEAF_LLD ld.lld)
if(SHEAF_MOLD AND NOT SHEAF_SANITIZE)
  add_link_options(-fuse-ld=mold)
elseif(SHEAF_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=lld)
endif()

# sheaf_library(NAME [LINK libs...] [HIDE libs...] [PCH headers...]
# [PCH_OF library]): all *.cc files of the present folder except main.cc and
# *_main.cc. What it HIDEs is linked, but users of the library do not see its
# headers. PCH_OF takes the headers that another library has precompiled.
function(sheaf_library name)
  cmake_parse_arguments(arg "" "PCH_OF" "LINK;HIDE;PCH" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  list(FILTER sources EXCLUDE REGEX "/([a-z_]+_)?main\\.cc$")
  if(NOT sources)
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} INTERFACE ${arg_LINK})
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_LINK} PRIVATE ${arg_HIDE})
  if(SHEAF_UNITY)
    # Headers are most of what a compiler reads here. tests/tidy/homonyms.py
    # keeps names from clashing.
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON
      UNITY_BUILD_BATCH_SIZE 0)
  endif()
  if(arg_PCH AND NOT SHEAF_FUZZ)
    target_precompile_headers(${name} PRIVATE ${arg_PCH})
  endif()
  if(arg_PCH_OF AND NOT SHEAF_FUZZ)
    target_precompile_headers(${name} REUSE_FROM ${arg_PCH_OF})
  endif()
endfunction()

# sheaf_program(NAME MAIN_FILE LINK libs... [PCH_OF library] [WHEN_ASKED]
# [NOT_INSTALLED]): with WHEN_ASKED it is built when it is asked for by its name,
# and not installed either.
function(sheaf_program name main)
  cmake_parse_arguments(arg "WHEN_ASKED;NOT_INSTALLED" "PCH_OF" "LINK" ${ARGN})
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${main})
    add_executable(${name} ${main})
    target_link_libraries(${name} PRIVATE ${arg_LINK})
    set_target_properties(${name} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
    if(arg_PCH_OF AND NOT SHEAF_FUZZ)
      # Compiled as libraries are: a program of its own would be -fPIE.
      target_compile_options(${name} PRIVATE -fPIC)
      target_precompile_headers(${name} REUSE_FROM ${arg_PCH_OF})
    endif()
    if(arg_WHEN_ASKED)
      set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    elseif(NOT arg_NOT_INSTALLED)
      install(TARGETS ${name} RUNTIME DESTINATION bin)
    endif()
  endif()
endfunction()
