// Prepares a program for its first tensor.
#pragma once

namespace sheaf::engine {

// Installs our allocator, and uses as many cores as OMP_NUM_THREADS says, or as
// this process may run on. Sees to it that fp32 is fp32 on a GPU, too, and not
// TF32. Also makes products of matrices fast: where OpenBLAS
// did not recognise the processor, or threads would wait busily, it starts the
// program once more with a better environment. To be called first in main(),
// with main's arguments.
void PrepareProcess(char** argv);

// Milliseconds that a product of two 256 x 256 matrices takes at best. A few
// tenths with a BLAS made for this machine; many milliseconds with Debian's
// reference BLAS, which makes the engine an order of magnitude slower.
double ProbeMatrixProduct();

}  // namespace sheaf::engine
