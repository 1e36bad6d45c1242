#include "inference/engine/pipeline/preview.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "inference/engine/models/vae.h"
#include "inference/engine/pipeline/pictures.h"
#include "inference/engine/random/normals.h"

namespace sheaf::engine {
namespace {

const std::string kModels = SHEAF_SOURCE_DIR "/tests/golden/models/";

std::unique_ptr<Vae> LoadVae(const std::string& name) {
  auto vae = Vae::Load(kModels + name, {}, {});
  EXPECT_TRUE(vae.ok()) << vae.status();
  return *std::move(vae);
}

// A latent of [4, side, side] from which no previewer has learned.
at::Tensor MakeLatent(uint64_t seed, int64_t side) {
  Normals normals(RandomMode::kCpu, seed);
  const std::vector<float> values =
      normals.Draw(static_cast<size_t>(4 * side * side));
  return at::tensor(values).reshape({4, side, side});
}

at::Tensor Decoded(const Vae& vae, const at::Tensor& latent) {
  return vae.Decode(vae.Unscale(latent.unsqueeze(0)), {});
}

double Correlation(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.flatten() - a.mean();
  const at::Tensor y = b.flatten() - b.mean();
  return ((x * y).sum() / (x.norm() * y.norm())).item<double>();
}

// Makes a latent for each block of four by four pixels, from the block's colour
// by a matrix and a bend. Trained autoencoders nearly do so; those of tests,
// with their random weights, do not.
class PaintingVae : public Vae {
 public:
  PaintingVae() : Vae(MakeConfig()) {}

 protected:
  at::Tensor EncodeWhole(const at::Tensor& pictures) const override {
    const at::Tensor mix = at::tensor({0.9f, 0.1f, -0.4f,  //
                                       0.2f, 0.1f, -0.8f,  //
                                       0.3f, 0.6f, 0.0f,   //
                                       -0.3f, 0.5f, 0.2f})
                               .reshape({4, 3, 1, 1});
    const at::Tensor mean =
        at::tanh(at::conv2d(at::avg_pool2d(pictures, {4, 4}), mix) + 0.2);
    return at::cat({mean, at::zeros_like(mean)}, 1);
  }
  at::Tensor DecodeWhole(const at::Tensor& latents) const override {
    return latents;
  }

 private:
  static VaeConfig MakeConfig() {
    VaeConfig config;
    config.channels = {1, 1, 1};
    return config;
  }
};

TEST(PreviewTest, ColoursAreWhatTheAutoencoderMadeLatentsOf) {
  const c10::InferenceMode no_gradients;
  const PaintingVae vae;
  const auto colours = LatentColours::Learn(vae);
  ASSERT_TRUE(colours.ok()) << colours.status();
  const auto picture = [](uint64_t seed) {
    return at::tanh(MakeLatent(seed, 64).slice(0, 0, 3).unsqueeze(0));
  };
  for (const uint64_t seed : {1, 2, 3}) {
    const at::Tensor small = at::avg_pool2d(picture(seed), {4, 4})[0];
    const auto drawn = [&](uint64_t of) {
      return colours->Of(vae.Scale(MeanOf(vae.Encode(picture(of), {})))[0]);
    };
    EXPECT_GT(Correlation(drawn(seed), small), 0.9);
    EXPECT_LT(Correlation(drawn(seed + 10), small), 0.3);
    EXPECT_LT((drawn(seed) - small).abs().mean().item<double>(), 0.1);
  }
}

TEST(PreviewTest, LearningAgainGivesTheSameColours) {
  const c10::InferenceMode no_gradients;
  const auto vae = LoadVae("tiny-sd/vae");
  const at::Tensor latent = MakeLatent(3, 8);
  EXPECT_TRUE(at::equal(LatentColours::Learn(*vae)->Of(latent),
                        LatentColours::Learn(*vae)->Of(latent)));
}

TEST(PreviewTest, ATinyAutoencoderDecodesPreviewsItself) {
  const c10::InferenceMode no_gradients;
  const auto vae = LoadVae("vae-tiny");
  const at::Tensor latent = MakeLatent(4, 8);
  Previewer previewer(vae.get());
  const auto preview = previewer.Draw(latent);
  ASSERT_TRUE(preview.ok()) << preview.status();
  EXPECT_EQ(preview->image.pixels,
            TensorToPicture(Decoded(*vae, latent)[0]).pixels);
}

TEST(PreviewTest, PreviewsAreShownAsLargeAsThePictureWithinABound) {
  const auto vae = LoadVae("tiny-sd/vae");
  Previewer previewer(vae.get());
  const int scale = static_cast<int>(vae->config().scale());
  const auto small = previewer.Draw(MakeLatent(5, 8));
  ASSERT_TRUE(small.ok()) << small.status();
  EXPECT_EQ(small->image.width, 8);
  EXPECT_EQ(small->image.channels, 3);
  EXPECT_EQ(small->width, 8 * scale);
  const auto wide = previewer.Draw(
      MakeLatent(6, 256).slice(1, 0, 64));  // Four times as wide as high.
  ASSERT_TRUE(wide.ok()) << wide.status();
  EXPECT_EQ(wide->width, Preview::kSideMax);
  EXPECT_EQ(wide->height, Preview::kSideMax / 4);
}

// Answers NaN, as half precision does when it overflows.
class BrokenVae : public Vae {
 public:
  BrokenVae() : Vae(MakeConfig()) {}
  int encoded() const { return encoded_; }

 protected:
  at::Tensor EncodeWhole(const at::Tensor& pictures) const override {
    ++encoded_;
    return at::full({pictures.size(0), 8, pictures.size(2), pictures.size(3)},
                    NAN);
  }
  at::Tensor DecodeWhole(const at::Tensor& latents) const override {
    return latents;
  }

 private:
  static VaeConfig MakeConfig() {
    VaeConfig config;
    config.channels = {1};
    return config;
  }

  mutable int encoded_ = 0;
};

TEST(PreviewTest, WhatCannotBeLearnedIsTriedOnce) {
  const BrokenVae vae;
  Previewer previewer(&vae);
  EXPECT_TRUE(absl::IsInternal(previewer.Draw(MakeLatent(7, 8)).status()));
  const int encoded = vae.encoded();
  EXPECT_GT(encoded, 0);
  EXPECT_TRUE(absl::IsInternal(previewer.Draw(MakeLatent(7, 8)).status()));
  EXPECT_EQ(vae.encoded(), encoded);
}

}  // namespace
}  // namespace sheaf::engine
