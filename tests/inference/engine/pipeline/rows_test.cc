// Rows that step together do not affect each other, not even in the last bit.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "inference/engine/families/load_model.h"
#include "inference/engine/pipeline/begin.h"
#include "inference/engine/pipeline/row_stepper.h"
#include "inference/engine/schedule/registry.h"
#include "inference/engine/tensor/guard.h"
#include "inference/engine/tensor/memory.h"

namespace sheaf::engine {
namespace {

std::string ModelPath(const std::string& name) {
  return std::string(SHEAF_SOURCE_DIR "/tests/golden/models/") + name;
}

class RowsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    model_ = LoadModel(ModelPath("tiny-sd"), {}).value();
    engine_ = std::make_unique<const RowStepper>(model_->denoiser);
    for (const char* name : {"controlnet-a", "controlnet-b"}) {
      nets_.push_back(
          model_->denoiser->LoadControl(ModelPath(name), {}).value());
    }
  }
  static void TearDownTestSuite() {
    engine_.reset();
    model_.reset();
    nets_.clear();
  }

  static RunRequest Request(const std::string& sampler, int steps,
                            uint64_t seed, double guidance) {
    RunRequest request;
    request.prompt = "row " + std::to_string(seed);
    request.scheduler =
        ResolveScheduler(sampler, model_->scheduler, Config()).value();
    request.steps = steps;
    request.seed = seed;
    request.guidance = guidance;
    request.width = 32;
    request.height = 32;
    return request;
  }

  static void AddControl(RunRequest* request, size_t net, double weight,
                         double start = 0, double end = 1) {
    Image image = MakeImage(32, 32, 3);
    for (size_t i = 0; i < image.pixels.size(); ++i) {
      image.pixels[i] = static_cast<uint8_t>(37 * i + 11 * net);
    }
    request->controls.push_back({.net = nets_[net],
                                 .image = image,
                                 .weight = weight,
                                 .start = start,
                                 .end = end});
  }

  // Rows that have little in common.
  static std::vector<RunRequest> Mixture() {
    std::vector<RunRequest> requests = {
        Request("Euler a", 4, 1, 7.5), Request("DPM++ 2M Karras", 6, 2, 1.0),
        Request("UniPC", 5, 3, 4.0),   Request("Heun", 3, 4, 6.0),
        Request("LCM", 2, 5, 2.0),     Request("DDIM", 7, 6, 9.0)};
    requests[2].guidance_rescale = 0.5;
    AddControl(&requests[0], 0, 0.7);
    // Rows have their controls in different orders, which must not get mixed
    // up.
    AddControl(&requests[1], 1, 0.6);
    AddControl(&requests[4], 1, 0.5);
    AddControl(&requests[4], 0, 0.8);
    AddControl(&requests[2], 0, 0.4, 0.2, 0.8);
    AddControl(&requests[2], 1, 1.1);
    AddControl(&requests[3], 1, 0.0);
    AddControl(&requests[5], 1, 0.9, 0.0, 0.5);
    requests[5].guess_mode = true;
    return requests;
  }

  static Row Begin(const RunRequest& request) {
    return BeginRow(*model_, request).value();
  }

  static void Step(const std::vector<Row*>& rows) {
    const absl::Status status = engine_->Step(rows);
    ASSERT_TRUE(status.ok()) << status;
  }

  static at::Tensor Alone(const RunRequest& request) {
    Row row = Begin(request);
    while (!row.done()) Step({&row});
    return row.sample();
  }

  static void ExpectAlike(const at::Tensor& a, const at::Tensor& b,
                          const std::string& what) {
    EXPECT_TRUE(a.equal(b))
        << what << " differs by " << (a - b).abs().max().item<double>();
  }

  static std::shared_ptr<const Model> model_;
  static std::unique_ptr<const RowStepper> engine_;
  static std::vector<std::shared_ptr<const ControlModel>> nets_;
};

std::shared_ptr<const Model> RowsTest::model_;
std::unique_ptr<const RowStepper> RowsTest::engine_;
std::vector<std::shared_ptr<const ControlModel>> RowsTest::nets_;

TEST_F(RowsTest, ABatchGivesEachRowWhatItGetsAlone) {
  const c10::InferenceMode no_gradients;
  const std::vector<RunRequest> requests = Mixture();
  std::vector<Row> rows;
  for (const RunRequest& request : requests) rows.push_back(Begin(request));
  while (true) {
    std::vector<Row*> live;
    for (Row& row : rows) {
      if (!row.done()) live.push_back(&row);
    }
    if (live.empty()) break;
    Step(live);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    ExpectAlike(rows[i].sample(), Alone(requests[i]), requests[i].prompt);
  }
}

TEST_F(RowsTest, RowsJoinAndLeaveAtRandom) {
  const c10::InferenceMode no_gradients;
  const std::vector<RunRequest> requests = Mixture();
  const char* chosen_seed = std::getenv("SHEAF_SEED");
  const auto seed = chosen_seed == nullptr
                        ? std::random_device()()
                        : static_cast<unsigned>(std::atoi(chosen_seed));
  std::printf("SHEAF_SEED=%u\n", seed);
  std::mt19937 random(seed);
  std::vector<Row> rows;
  for (const RunRequest& request : requests) rows.push_back(Begin(request));
  bool any = true;
  while (any) {
    any = false;
    std::vector<Row*> chosen;
    for (Row& row : rows) {
      if (row.done()) continue;
      any = true;
      if (random() % 2 == 0) chosen.push_back(&row);
    }
    std::shuffle(chosen.begin(), chosen.end(), random);
    if (!chosen.empty()) Step(chosen);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    ExpectAlike(rows[i].sample(), Alone(requests[i]), requests[i].prompt);
  }
}

TEST_F(RowsTest, ACancelledRowChangesNoOther) {
  const c10::InferenceMode no_gradients;
  const std::vector<RunRequest> requests = Mixture();
  Row kept = Begin(requests[0]);
  {
    Row cancelled = Begin(requests[5]);
    Step({&cancelled, &kept});
  }
  while (!kept.done()) Step({&kept});
  ExpectAlike(kept.sample(), Alone(requests[0]), requests[0].prompt);
}

TEST_F(RowsTest, WhatIsRememberedOfPromptsChangesNothing) {
  const c10::InferenceMode no_gradients;
  const std::vector<RunRequest> requests = Mixture();
  Row remembered = Begin(requests[5]);
  Row fresh = remembered;
  Row other = Begin(requests[2]);
  while (!fresh.done()) {
    Step({&remembered});
    ASSERT_TRUE(RowStepper(model_->denoiser).Step({&fresh}).ok());
    if (!other.done()) Step({&other});
  }
  EXPECT_TRUE(fresh.sample().equal(remembered.sample()));
}

TEST_F(RowsTest, ACopyGoesOnByItself) {
  const c10::InferenceMode no_gradients;
  Row row = Begin(Mixture()[0]);
  Step({&row});
  Row copy = row;
  const at::Tensor before = copy.sample().clone();
  while (!row.done()) Step({&row});
  EXPECT_TRUE(before.equal(copy.sample()));
  while (!copy.done()) Step({&copy});
  EXPECT_TRUE(row.sample().equal(copy.sample()));
}

TEST_F(RowsTest, ASavedRowGoesOnInAnotherProcessToTheLastBit) {
  const c10::InferenceMode no_gradients;
  std::vector<RunRequest> requests = Mixture();
  requests.push_back(Request("Euler a", 5, 7, 3.0));
  requests.back().random = RandomMode::kPhilox;
  for (const RunRequest& request : requests) {
    const at::Tensor whole = Alone(request);
    const size_t steps = Begin(request).steps();
    for (const size_t stop : {size_t{1}, steps - 1}) {
      Row first = Begin(request);
      while (first.steps_done() < stop) Step({&first});
      Row second = Begin(request);
      const absl::Status restored = second.Restore(first.Save());
      ASSERT_TRUE(restored.ok()) << restored;
      EXPECT_EQ(second.steps_done(), stop);
      while (!second.done()) Step({&second});
      ExpectAlike(second.sample(), whole, request.prompt);
    }
  }
}

TEST_F(RowsTest, WhatNoRowLikeItHasSavedIsRefused) {
  const c10::InferenceMode no_gradients;
  Row row = Begin(Request("Euler a", 4, 1, 7.5));
  Step({&row});
  const std::string saved = row.Save();
  const auto refuses = [&](const RunRequest& request,
                           const std::string& bytes) {
    Row other = Begin(request);
    const at::Tensor before = other.sample().clone();
    EXPECT_EQ(other.Restore(bytes).code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(other.steps_done(), 0u);
    EXPECT_TRUE(other.sample().equal(before));
  };
  const RunRequest same = Request("Euler a", 4, 1, 7.5);
  refuses(Request("Euler a", 5, 1, 7.5), saved);
  RunRequest large = same;
  large.width = 48;
  refuses(large, saved);
  refuses(same, "");
  refuses(same, saved.substr(0, saved.size() / 2));
  // A change of the header is refused, unless it means the same.
  std::string cut = saved;
  cut.replace(cut.find("\"noise\":\"cpu"), 12, "\"noise\":\"gpu");
  refuses(same, cut);
}

TEST_F(RowsTest, RowsOfDifferentSizesShareAStep) {
  const c10::InferenceMode no_gradients;
  RunRequest wide = Mixture()[1];
  wide.width = 48;
  Row a = Begin(wide);
  Row b = Begin(Mixture()[5]);
  Step({&a, &b});
  EXPECT_EQ(a.steps_done(), 1u);
  EXPECT_EQ(b.steps_done(), 1u);
  while (!a.done()) Step({&a});
  ExpectAlike(a.sample(), Alone(wide), "wide");
}

TEST_F(RowsTest, AControlOfWeightZeroChangesNothing) {
  const c10::InferenceMode no_gradients;
  RunRequest plain = Request("Euler", 3, 9, 5);
  RunRequest controlled = plain;
  AddControl(&controlled, 0, 0.0);
  EXPECT_TRUE(Alone(plain).equal(Alone(controlled)));
}

TEST_F(RowsTest, ABatchThatDoesNotFitIsSplit) {
  const c10::InferenceMode no_gradients;
  std::vector<RunRequest> requests;
  std::vector<Row> rows;
  std::vector<Row*> all;
  for (uint64_t i = 0; i < 4; ++i) {
    requests.push_back(Request("Euler", 2, i, 5));
    rows.push_back(Begin(requests.back()));
  }
  for (Row& row : rows) all.push_back(&row);
  Row probe = rows[0];
  ResetMemoryPeak();
  const size_t before = MemoryInUse();
  Step({&probe});
  const size_t one = MemoryPeak() - before;
  ASSERT_GT(one, 0u);
  // The memory has room for two rows, not for four.
  SetMemoryLimit(MemoryInUse() + one * 5 / 2);
  ResetMemoryPeak();
  Step(all);
  EXPECT_LE(MemoryPeak(), before + one * 4);
  // The memory has no room for even one row.
  SetMemoryLimit(MemoryInUse() + one / 4);
  const absl::Status status = engine_->Step(all);
  SetMemoryLimit(0);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  for (const Row& row : rows) EXPECT_EQ(row.steps_done(), 1u);
  Step(all);
  for (size_t i = 0; i < rows.size(); ++i) {
    ExpectAlike(rows[i].sample(), Alone(requests[i]), requests[i].prompt);
  }
}

TEST_F(RowsTest, ARequestThatDoesNotFitTheModelIsRefused) {
  const auto refused = [](const RunRequest& request) {
    return absl::IsInvalidArgument(BeginRow(*model_, request).status());
  };
  RunRequest request = Request("Euler", 4, 1, 5);
  request.width = 33;
  EXPECT_TRUE(refused(request));
  request = Request("Euler", 4, 1, 5);
  request.task = Task::kEdit;
  request.image = MakeImage(32, 32, 3);
  EXPECT_TRUE(refused(request));
  request = Request("Euler", 4, 1, 5);
  request.clip_skip = 3;
  EXPECT_TRUE(refused(request));
  request = Request("Euler", 4, 1, 5);
  request.task = Task::kImage;
  EXPECT_TRUE(refused(request));
  request.image = MakeImage(32, 32, 3);
  request.strength = 0.1;
  EXPECT_TRUE(refused(request));
}

// This comes before the first tensor, so that all are counted.
const bool counter_is_installed = [] {
  InstallAllocator();
  return true;
}();

}  // namespace
}  // namespace sheaf::engine
