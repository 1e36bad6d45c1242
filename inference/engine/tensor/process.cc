#include "inference/engine/tensor/process.h"

#include <dlfcn.h>
#include <sched.h>
#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "inference/engine/tensor/memory.h"
#include "inference/engine/tensor/torch.h"

namespace sheaf::engine {
namespace {

// How many rounds a thread waits busily for another before it sleeps: a few
// dozen microseconds. The default is a hundred times as many; on a machine that
// has other work, a step of a small model then waits that long, too.
constexpr char kSpins[] = "3000";

// The kernels that OpenBLAS should use in place of kernels that are two decades
// old: 0.3.21 takes those for every processor that it does not know, and is six
// times slower with them. Null where OpenBLAS should keep its own choice.
const char* BetterKernels() {
  using NameOf = char* (*)();
  const auto name_of =
      reinterpret_cast<NameOf>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  if (name_of == nullptr || strcasecmp(name_of(), "Prescott") != 0) {
    return nullptr;
  }
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    return "SkylakeX";
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return "Haswell";
  }
#endif
  return nullptr;
}

// OpenBLAS and libgomp read their environment when they are loaded, before
// main().
void RestartWithBetterEnvironment(char** argv) {
  bool changed = false;
  const auto set = [&](const char* name, const char* value) {
    if (std::getenv(name) != nullptr) return;
    changed = setenv(name, value, 0) == 0;
  };
  if (const char* kernels = BetterKernels()) set("OPENBLAS_CORETYPE", kernels);
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) {
    set("GOMP_SPINCOUNT", kSpins);
  }
  if (!changed) return;
  // If the restart fails, the program goes on without it.
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
  if (size <= 0) return;
  path[size] = 0;
  execv(path, argv);
}

void UseAllCores() {
  int count = 0;
  if (const char* wanted = std::getenv("OMP_NUM_THREADS")) {
    count = std::atoi(wanted);
  }
  cpu_set_t allowed;
  if (count <= 0 && sched_getaffinity(0, sizeof(allowed), &allowed) == 0) {
    count = CPU_COUNT(&allowed);
  }
  at::set_num_threads(std::max(count, 1));
}

}  // namespace

void PrepareProcess(char** argv) {
  RestartWithBetterEnvironment(argv);
  InstallAllocator();
  UseAllCores();
  // Convolutions on a GPU would else round fp32 to ten bits.
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
}

double ProbeMatrixProduct() {
  const c10::InferenceMode no_gradients;
  const at::Tensor matrix = at::full({256, 256}, 0.5, at::kFloat);
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    at::mm(matrix, matrix);
    const std::chrono::duration<double, std::milli> took =
        std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count());
  }
  return best;
}

}  // namespace sheaf::engine
