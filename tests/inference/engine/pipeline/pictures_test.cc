#include "inference/engine/pipeline/pictures.h"

#include <gtest/gtest.h>

#include <cmath>

#include "inference/engine/families/load_model.h"
#include "inference/engine/tensor/memory.h"

namespace sheaf::engine {
namespace {

const std::string kModel = SHEAF_SOURCE_DIR "/tests/golden/models/tiny-sd";

// The most memory that `work` takes beside the memory in use before it.
size_t PeakOf(const std::function<void()>& work) {
  ResetMemoryPeak();
  const size_t before = MemoryInUse();
  work();
  return MemoryPeak() - before;
}

TEST(PicturesTest, APictureThatDoesNotFitIsDecodedInTiles) {
  InstallAllocator();
  const c10::InferenceMode no_gradients;
  const auto model = LoadModel(kModel, {}).value();
  const int64_t side =
      4 * model->vae->config().sample_size / model->vae->config().scale();
  const at::Tensor latents =
      at::sin(at::arange(4 * side * side, at::kFloat)).reshape({4, side, side});
  const auto decode = [&](const VaeOptions& options) {
    return DecodePictures(*model, {latents}, options);
  };
  const size_t whole = PeakOf([&] { decode({}).value(); });
  std::vector<Image> tiled;
  const size_t in_tiles =
      PeakOf([&] { tiled = decode({.tiling = true}).value(); });
  ASSERT_LT(in_tiles, whole / 2);
  SetMemoryLimit(MemoryInUse() + (in_tiles + whole) / 2);
  const auto squeezed = decode({});
  SetMemoryLimit(MemoryInUse() + in_tiles / 4);
  const auto hopeless = decode({});
  SetMemoryLimit(0);
  ASSERT_TRUE(squeezed.ok()) << squeezed.status();
  EXPECT_EQ((*squeezed)[0].pixels, tiled[0].pixels);
  EXPECT_TRUE(absl::IsResourceExhausted(hopeless.status()));
}

TEST(PicturesTest, WhereverMemoryRunsOutItIsAnError) {
  InstallAllocator();
  const c10::InferenceMode no_gradients;
  const auto model = LoadModel(kModel, {}).value();
  // When a large picture is decoded in tiles, its pixels take the most memory.
  const int64_t side =
      8 * model->vae->config().sample_size / model->vae->config().scale();
  const at::Tensor latents = at::zeros({4, side, side});
  const size_t most = PeakOf(
      [&] { DecodePictures(*model, {latents}, {.tiling = true}).value(); });
  bool some_fit = false;
  for (int part = 2; part <= 10; part += 2) {
    SetMemoryLimit(MemoryInUse() + most * part / 10);
    const auto images = DecodePictures(*model, {latents}, {.tiling = true});
    SetMemoryLimit(0);
    if (!images.ok()) {
      EXPECT_TRUE(absl::IsResourceExhausted(images.status())) << part;
    }
    some_fit = some_fit || images.ok();
  }
  EXPECT_TRUE(some_fit);
}

TEST(PicturesTest, WhereTheSecondAutoencoderDoesNotFitItIsAnError) {
  InstallAllocator();
  const c10::InferenceMode no_gradients;
  const auto model =
      LoadModel(kModel, {.placement = {.dtype = at::kBFloat16}}).value();
  // No type can hold its picture, so that the autoencoder is loaded in fp32.
  const at::Tensor latents = at::full({4, 2, 2}, 1e38);
  absl::Status status;
  const auto decode = [&] {
    status = DecodePictures(*model, {latents}, {}).status();
  };
  const size_t most = PeakOf(decode);
  EXPECT_TRUE(absl::IsInternal(status)) << status;
  for (size_t part = 1; part < 10; ++part) {
    SetMemoryLimit(MemoryInUse() + most * part / 10);
    decode();
    SetMemoryLimit(0);
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << part << ": " << status;
  }
}

TEST(PicturesTest, WhatIsNoNumberIsNoPicture) {
  const c10::InferenceMode no_gradients;
  const auto model = LoadModel(kModel, {}).value();
  at::Tensor latents = at::zeros({4, 8, 8});
  EXPECT_TRUE(DecodePictures(*model, {latents}, {}).ok());
  latents[1][2][3].fill_(NAN);
  const absl::Status status = DecodePictures(*model, {latents}, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
}

TEST(PicturesTest, ValuesAreRoundedToEvenAndClamped) {
  const at::Tensor picture =
      at::tensor({-2.0f, -1.0f, 0.0f, 1.0f, 3.0f, 1.0f / 255})
          .reshape({1, 2, 3});
  EXPECT_EQ(TensorToPicture(picture).pixels,
            (std::vector<uint8_t>{0, 0, 128, 255, 255, 128}));
}

}  // namespace
}  // namespace sheaf::engine
