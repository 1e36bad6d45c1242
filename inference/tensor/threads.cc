#include "inference/tensor/threads.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "inference/tensor/torch.h"

namespace sheaf::engine {

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
