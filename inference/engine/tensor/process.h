// What a program does before its first tensor.
#pragma once

namespace sheaf::engine {

// Installs our allocator, uses as many cores as OMP_NUM_THREADS says, or as
// this process may run on, and sees to fast products of matrices: where
// OpenBLAS did not recognise the processor, or threads would wait busily, it
// starts the program once more with the environment that says better. First in
// main(), with main's arguments.
void PrepareProcess(char** argv);

// Milliseconds that a product of two 256 x 256 matrices takes at best. A few
// tenths with a BLAS made for this machine; many with Debian's reference one,
// which makes the engine an order of magnitude slower.
double ProbeMatrixProduct();

}  // namespace sheaf::engine
