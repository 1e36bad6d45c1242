#include "inference/engine/runtime/measure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "inference/engine/pipeline/begin.h"
#include "inference/engine/pipeline/engine.h"
#include "inference/engine/pipeline/model.h"
#include "inference/engine/runtime/self_test.h"
#include "inference/engine/runtime/studio.h"
#include "inference/engine/schedule/registry.h"
#include "inference/engine/tensor/memory.h"

namespace sheaf::engine {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::UnorderedElementsAre;

const std::string kModels = SHEAF_SOURCE_DIR "/tests/golden/models/";

class MeasureTest : public ::testing::Test {
 protected:
  MeasureTest() { InstallAllocator(); }
  ~MeasureTest() override { SetMemoryLimit(0); }

  static MeasureOrder OrderUpTo(int rows_max) {
    MeasureOrder order;
    order.model.folder = kModels + "tiny-sd";
    order.next_rows = [rows_max](const std::map<int, double>& steps) {
      const int next = steps.rbegin()->first * 2;
      return next > rows_max ? std::nullopt : std::optional<int>(next);
    };
    return order;
  }

  absl::Status MeasureAll(const MeasureOrder& order) {
    auto studio = Studio::Open({});
    if (!studio.ok()) return studio.status();
    const auto measuring = (*studio)->Measure(order);
    while (true) {
      const absl::StatusOr<bool> more = measuring->Advance();
      if (!more.ok()) return more.status();
      found_ = measuring->found();
      if (!*more) return absl::OkStatus();
    }
  }

  Measurements found_;
};

TEST_F(MeasureTest, FindsWhatAProfileNeeds) {
  MeasureOrder order = OrderUpTo(4);
  order.budget = absl::Minutes(10);
  order.controls["edge"] = kModels + "controlnet-a";
  ASSERT_TRUE(MeasureAll(order).ok());
  EXPECT_THAT(found_.steps, UnorderedElementsAre(Key(1), Key(2), Key(4)));
  EXPECT_THAT(found_.controls, ElementsAre(Key("edge")));
  EXPECT_THAT(found_.controls["edge"],
              UnorderedElementsAre(Key(1), Key(2), Key(4)));
  EXPECT_THAT(found_.encodes, UnorderedElementsAre(Key(1), Key(4)));
  for (const auto& [rows, ms] : found_.steps) EXPECT_GT(ms, 0) << rows;
  EXPECT_GT(found_.decode, 0);
  EXPECT_GT(found_.load, 0);
  EXPECT_TRUE(found_.own_size);
  EXPECT_GT(found_.width, 0);
  EXPECT_TRUE(found_.rows_agree);
  EXPECT_THAT(found_.left_out, IsEmpty());
}

TEST_F(MeasureTest, WithoutTimeOnlyTheLeastIsMeasured) {
  MeasureOrder order = OrderUpTo(64);
  order.budget = absl::ZeroDuration();
  order.width = 32;
  order.height = 16;
  ASSERT_TRUE(MeasureAll(order).ok());
  EXPECT_THAT(found_.steps, ElementsAre(Key(1)));
  EXPECT_THAT(found_.left_out, ElementsAre("the self-test of rows: time",
                                           "steps of 2 rows: time"));
  EXPECT_FALSE(found_.own_size);
  EXPECT_EQ(found_.height, 16);
}

TEST_F(MeasureTest, MemoryThatRunsOutEndsTheSeries) {
  MeasureOrder order = OrderUpTo(32);
  order.self_test = false;
  order.budget = absl::Minutes(10);
  auto studio = Studio::Open({});
  ASSERT_TRUE(studio.ok());
  const auto measuring = (*studio)->Measure(order);
  ASSERT_TRUE(measuring->Advance().ok());
  const size_t loaded = MemoryInUse();
  while (measuring->found().steps.size() < 2) {
    ASSERT_TRUE(measuring->Advance().value());
  }
  ResetMemoryPeak();
  ASSERT_TRUE(measuring->Advance().value());  // four rows
  SetMemoryLimit(loaded + 2 * (MemoryPeak() - loaded));
  absl::StatusOr<bool> more = true;
  while (more.ok() && *more) more = measuring->Advance();
  EXPECT_TRUE(more.ok()) << more.status().ToString();
  EXPECT_LT(measuring->found().steps.rbegin()->first, 32);
  EXPECT_THAT(measuring->found().left_out, Contains(HasSubstr("memory")));
}

TEST_F(MeasureTest, AModelThatIsNotThereSaysSo) {
  MeasureOrder order = OrderUpTo(2);
  order.model.folder = kModels + "nowhere";
  EXPECT_FALSE(MeasureAll(order).ok());
}

TEST_F(MeasureTest, RowsThatSpoilEachOtherAreFound) {
  const auto model = LoadModel(kModels + "tiny-sd", {});
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const Engine engine((*model)->unet);
  std::vector<Row> rows;
  for (const uint64_t seed : {1, 2}) {
    RunRequest request;
    request.prompt = "a cat";
    request.seed = seed;
    request.width = request.height = 32;
    request.scheduler =
        *ResolveScheduler("auto", (*model)->scheduler, Config());
    rows.push_back(*BeginRow(**model, request));
  }
  const auto sound = [&](const std::vector<Row*>& all) {
    return engine.Step(all);
  };
  EXPECT_TRUE(*RowsAgree(rows, 0, sound));
  // What a wrong offset into the batch would do: a row gets another's.
  const auto broken = [&](const std::vector<Row*>& all) {
    const absl::Status status = engine.Step(all);
    if (all.size() == 2) *all[1] = *all[0];
    return status;
  };
  EXPECT_FALSE(*RowsAgree(rows, 0, broken));
  EXPECT_FALSE(*RowsAgree(rows, 0.02, broken));
}

}  // namespace
}  // namespace sheaf::engine
