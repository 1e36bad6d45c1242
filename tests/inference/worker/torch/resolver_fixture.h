// A resolver of requests, with two models and a few pictures to fetch.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "base/status.h"
#include "inference/engine/image/png.h"
#include "inference/worker/torch/request_resolver.h"
#include "tests/base/temp_folder.h"
#include "tests/inference/worker/batches.h"

namespace sheaf::worker {

inline constexpr char kPicture[] = "artifacts/aa";
inline constexpr char kJunk[] = "artifacts/bb";
inline constexpr char kGone[] = "artifacts/cc";
inline constexpr char kAway[] = "artifacts/dd";
inline constexpr char kBusy[] = "artifacts/ee";
inline constexpr char kHalves[] = "artifacts/ff";
inline constexpr char kTable[] =
    "default = true\nsteps = 9\nguidance = 4\nsampler = 'Euler'\n";

// Black on the left, white on the right.
inline engine::Image Halves() {
  engine::Image image = engine::MakeImage(16, 16, 3);
  for (int y = 0; y < 16; ++y) {
    for (int x = 8; x < 16; ++x) {
      for (int c = 0; c < 3; ++c) image.at(x, y, c) = 255;
    }
  }
  return image;
}

class RequestResolverTest : public ::testing::Test {
 protected:
  RequestResolverTest() {
    folder_.Write("sd/model_index.json", "{}");
    folder_.Write("sd/controlnet_edge/config.json", "{}");
    folder_.Write("sd/controlnet_vis/config.json", "{}");
    folder_.Write("fine/model_index.json", "{}");
    folder_.Write("fine/vae_soft/config.json", "{}");
    folder_.Write("fine/sheaf.toml", "vae = 'soft'\n");
    folder_.Write("sd/sheaf.toml", kTable);
    folder_.Write("sd/vae_fast/config.json", "{}");
    models_ = *ModelList::Read({folder_.path()});
    batch_ = MakeBatch(1, {{.steps = std::nullopt}});
  }

  absl::StatusOr<std::string> Fetch(const std::string& name) {
    ++fetches_;
    if (name == kPicture) {
      return *engine::EncodePng(engine::MakeImage(8, 8, 3, 77), {});
    }
    if (name == kHalves) return *engine::EncodePng(Halves(), {});
    if (name == kJunk) return std::string("not a picture");
    if (name == "artifacts/huge") {
      return *engine::EncodePng(engine::MakeImage(4096, 4097, 1), {});
    }
    if (name == kAway) return absl::UnavailableError("no server");
    if (name == kBusy) return absl::ResourceExhaustedError("too many calls");
    return absl::NotFoundError("no such artifact");
  }

  v1::RunRequest& wish() { return *batch_.mutable_runs(0)->mutable_request(); }
  void AddControl(const std::string& type, const std::string& image,
                  double weight) {
    v1::Control* control = wish().add_controls();
    control->set_type(type);
    control->set_image(image);
    (*batch_.mutable_weights_list(0)->mutable_weights())[type] = weight;
  }

  absl::StatusOr<engine::ImageRequest> Take() {
    if (!resolver_) {
      resolver_.emplace(
          &models_, [this](const std::string& name) { return Fetch(name); },
          limits_);
    }
    return resolver_->Take(batch_, 0);
  }
  void Limit(const RequestLimits& limits) {
    limits_ = limits;
    resolver_.reset();
  }
  void ExpectError(absl::StatusCode code, const std::string& words) {
    const absl::Status status = Take().status();
    EXPECT_EQ(status.code(), code) << status.ToString();
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(words));
  }

  TempFolder folder_;
  ModelList models_;
  v1::LeasedBatch batch_;
  int fetches_ = 0;
  RequestLimits limits_;
  std::optional<RequestResolver> resolver_;
};

}  // namespace sheaf::worker
