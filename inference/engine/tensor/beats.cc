#include "inference/engine/tensor/beats.h"

#include <atomic>

namespace sheaf::engine {
namespace {

std::atomic<int64_t> beats{0};

}  // namespace

void Beat() { beats.fetch_add(1, std::memory_order_relaxed); }

int64_t Beats() { return beats.load(std::memory_order_relaxed); }

}  // namespace sheaf::engine
