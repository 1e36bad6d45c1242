// Inputs for a UNet that is to be measured.
#pragma once

#include "inference/engine/families/unet/unet.h"

namespace sheaf::engine {

// A call's inputs, of noise, in the shape that the UNet wants, on its device.
// `side` is the samples'. Throws as LibTorch does.
UNetInput NoiseInput(const UNet& unet, int64_t rows, int64_t side);

}  // namespace sheaf::engine
