#include "inference/engine/runtime/measure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/status.h"
#include "inference/engine/families/load_model.h"
#include "inference/engine/pipeline/begin.h"
#include "inference/engine/pipeline/row_stepper.h"
#include "inference/engine/runtime/image_runtime.h"
#include "inference/engine/runtime/self_test.h"
#include "inference/engine/schedule/registry.h"
#include "inference/engine/tensor/memory.h"
#include "tests/base/temp_folder.h"

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

  static MeasureRequest RequestUpTo(int rows_max) {
    MeasureRequest wanted;
    wanted.model.folder = kModels + "tiny-sd";
    wanted.next_rows = [rows_max](const std::map<int, double>& steps) {
      const int next = steps.rbegin()->first * 2;
      return next > rows_max ? std::nullopt : std::optional<int>(next);
    };
    return wanted;
  }

  absl::Status MeasureAll(const MeasureRequest& wanted) {
    auto runtime = ImageRuntime::Open({});
    if (!runtime.ok()) return runtime.status();
    const auto measuring = (*runtime)->Measure(wanted);
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
  MeasureRequest wanted = RequestUpTo(4);
  wanted.budget = absl::Minutes(10);
  wanted.controls["edge"] = kModels + "controlnet-a";
  ASSERT_TRUE(MeasureAll(wanted).ok());
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

TEST_F(MeasureTest, ModelsThatNeedAPictureAreMeasuredWithOne) {
  namespace fs = std::filesystem;
  for (const char* unet : {"unet-inpaint", "unet-ip2p"}) {
    const TempFolder folder;
    fs::copy(kModels + "tiny-sd", folder.path() + "/model",
             fs::copy_options::recursive);
    fs::copy(
        kModels + unet, folder.path() + "/model/unet",
        fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    MeasureRequest wanted = RequestUpTo(2);
    wanted.model.folder = folder.path() + "/model";
    wanted.budget = absl::Minutes(10);
    const absl::Status status = MeasureAll(wanted);
    ASSERT_TRUE(status.ok()) << unet << ": " << status.ToString();
    EXPECT_THAT(found_.steps, ElementsAre(Key(1), Key(2))) << unet;
    EXPECT_THAT(found_.encodes, ElementsAre(Key(1), Key(4))) << unet;
    EXPECT_GT(found_.decode, 0) << unet;
    EXPECT_TRUE(found_.rows_agree) << unet;
  }
}

TEST_F(MeasureTest, WithoutTimeOnlyTheLeastIsMeasured) {
  MeasureRequest wanted = RequestUpTo(64);
  wanted.budget = absl::ZeroDuration();
  wanted.width = 32;
  wanted.height = 16;
  ASSERT_TRUE(MeasureAll(wanted).ok());
  EXPECT_THAT(found_.steps, ElementsAre(Key(1)));
  EXPECT_THAT(found_.left_out, ElementsAre("the self-test of rows: time",
                                           "steps of 2 rows: time"));
  EXPECT_FALSE(found_.own_size);
  EXPECT_EQ(found_.height, 16);
}

TEST_F(MeasureTest, MemoryThatRunsOutEndsTheSeries) {
  MeasureRequest wanted = RequestUpTo(32);
  wanted.self_test = false;
  wanted.budget = absl::Minutes(10);
  auto runtime = ImageRuntime::Open({});
  ASSERT_TRUE(runtime.ok());
  const auto measuring = (*runtime)->Measure(wanted);
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
  MeasureRequest wanted = RequestUpTo(2);
  wanted.model.folder = kModels + "nowhere";
  EXPECT_FALSE(MeasureAll(wanted).ok());
}

TEST_F(MeasureTest, RowsThatSpoilEachOtherAreFound) {
  const auto model = LoadModel(kModels + "tiny-sd", {});
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const RowStepper engine((*model)->denoiser);
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
  // Imitates a wrong offset into the batch: one row gets another row's result.
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
