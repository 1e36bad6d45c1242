# Everything third-party, found once. Debian 12's packages are the reference;
# newer versions come in by CMAKE_PREFIX_PATH.

find_package(Threads REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(PNG REQUIRED)
find_package(JPEG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(GTest REQUIRED)

# utf8proc comes with a pkg-config file only.
find_path(SHEAF_UTF8PROC_DIR utf8proc.h REQUIRED)
find_library(SHEAF_UTF8PROC_LIBRARY utf8proc REQUIRED)
add_library(utf8proc::utf8proc INTERFACE IMPORTED)
set_target_properties(utf8proc::utf8proc PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES "${SHEAF_UTF8PROC_DIR}"
  INTERFACE_LINK_LIBRARIES "${SHEAF_UTF8PROC_LIBRARY}")

# Debian's libwebp has a pkg-config file only.
find_path(SHEAF_WEBP_DIR webp/decode.h REQUIRED)
find_library(SHEAF_WEBP_LIBRARY webp REQUIRED)
add_library(sheaf_webp INTERFACE IMPORTED)
set_target_properties(sheaf_webp PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES "${SHEAF_WEBP_DIR}"
  INTERFACE_LINK_LIBRARIES "${SHEAF_WEBP_LIBRARY}")

# LibTorch, for inference/ alone: Debian's, or what lies in SHEAF_TORCH_FOLDER
# (include/ and lib/, as in pip's site-packages/torch, whose own CMake package
# wants the whole CUDA toolkit). That folder's headers come before the system's,
# which may be Debian's LibTorch, and bring copies of fmt and protobuf along: no
# file that sees LibTorch may include those.
set(SHEAF_TORCH_FOLDER "" CACHE PATH "A LibTorch other than the system's")
option(SHEAF_CUDA "Link that LibTorch's CUDA part" OFF)
if(SHEAF_TORCH)
  if(SHEAF_TORCH_FOLDER)
    set(include ${SHEAF_TORCH_FOLDER}/include)
    set(TORCH_INCLUDE_DIRS ${include} ${include}/torch/csrc/api/include)
    set(TORCH_LIBRARIES ${SHEAF_TORCH_FOLDER}/lib/libtorch_cpu.so
      ${SHEAF_TORCH_FOLDER}/lib/libc10.so)
    if(SHEAF_CUDA)
      # Nothing of it is called by name. It finds CUDA's own libraries when it is
      # loaded; GNU's linker would want to see them.
      list(APPEND TORCH_LIBRARIES -Wl,--allow-shlib-undefined -Wl,--no-as-needed
        ${SHEAF_TORCH_FOLDER}/lib/libtorch_cuda.so
        ${SHEAF_TORCH_FOLDER}/lib/libc10_cuda.so -Wl,--as-needed)
    endif()
  else()
    find_package(Torch QUIET)
    if(NOT Torch_FOUND)
      message(FATAL_ERROR "LibTorch is missing: apt-get install libtorch-dev "
        "libopenblas0-openmp (./setup does), or configure with "
        "-DSHEAF_TORCH=OFF")
    endif()
  endif()
  add_library(sheaf_torch INTERFACE)
  foreach(folder ${TORCH_INCLUDE_DIRS})
    if(NOT folder STREQUAL "/usr/include")
      target_include_directories(sheaf_torch SYSTEM INTERFACE ${folder})
    endif()
  endforeach()
  target_link_libraries(sheaf_torch INTERFACE ${TORCH_LIBRARIES})
  if(SHEAF_SANITIZE MATCHES "undefined")
    # Its headers are most of what would be checked, at twice the time to
    # compile; addresses are watched all the same.
    target_compile_options(sheaf_torch INTERFACE -fno-sanitize=undefined)
  endif()
endif()

# `cmake --preset engine` is for machines that have no more than the above.
if(SHEAF_ENGINE_ONLY)
  find_package(fmt CONFIG QUIET)  # For engine_bench.
  find_package(CLI11 CONFIG QUIET)
  return()
endif()
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(SQLiteCpp CONFIG REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(benchmark CONFIG REQUIRED)
find_path(SHEAF_TOMLPLUSPLUS_DIR toml++/toml.h REQUIRED)
