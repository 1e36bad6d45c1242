// How many cores LibTorch works on.
#pragma once

namespace sheaf::engine {

// LibTorch starts with one thread in some builds. As many as OMP_NUM_THREADS
// says, or as this process may run on. Once, before the first tensor.
void UseAllCores();

// Milliseconds that a product of two 256 x 256 matrices takes at best. A few
// tenths with a BLAS made for this machine; many with Debian's reference one,
// which makes the engine an order of magnitude slower.
double ProbeMatrixProduct();

}  // namespace sheaf::engine
