// Turns pictures into tensors, and latents into pictures.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/image/image.h"
#include "inference/engine/pipeline/model.h"

namespace sheaf::engine {

// [3, height, width] in [0, 1], resized where it has another size.
at::Tensor PictureToTensor(const Image& image, int width, int height);

// [1, height, width] of 0 and 1: 1 where the mask is at least half white.
at::Tensor MaskToTensor(const Image& mask, int width, int height);

// Turns [3, height, width], about in [-1, 1], into eight bits. Throws as
// LibTorch does.
Image TensorToPicture(const at::Tensor& picture);

// Decodes finished latents, one after the other: [channels, height, width]
// each, of any sizes, as samplers leave them. Where memory does not suffice for
// a whole picture, it is decoded in tiles. Where the autoencoder of a model in
// half precision returns values that are not finite, it is loaded and run again
// in fp32. INTERNAL where that does not help, or where latents are not finite;
// the errors of Guard() and of that second loading.
absl::StatusOr<std::vector<Image>> DecodePictures(
    const Model& model, const std::vector<at::Tensor>& latents,
    const VaeOptions& options);

}  // namespace sheaf::engine
