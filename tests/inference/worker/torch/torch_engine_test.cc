#include "inference/worker/torch/torch_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/image/png.h"
#include "inference/engine/tensor/memory.h"
#include "tests/inference/worker/batches.h"

namespace sheaf::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

class TorchEngineTest : public ::testing::Test {
 protected:
  TorchEngineTest() { engine::InstallAllocator(); }
  ~TorchEngineTest() override { engine::SetMemoryLimit(0); }

  // How the only run of a batch ends whose picture is fetched as `fetched` by
  // an engine with so much memory.
  RowEnd EndOf(const absl::StatusOr<std::string>& fetched,
               const engine::RuntimeOptions& options = {}) {
    engine_ = std::make_unique<TorchEngine>(
        *ModelList::Read({SHEAF_SOURCE_DIR "/tests/golden/models/tiny-sd"}),
        *engine::ImageRuntime::Open(options),
        [fetched](const std::string&) { return fetched; });
    v1::LeasedBatch batch = MakeBatch(1, {{}});
    batch.mutable_runs(0)->mutable_request()->set_init_image("artifacts/aa");
    engine_->Add(batch);
    std::vector<RowEnd> ends;
    while (ends.empty()) ends = engine_->Step();
    EXPECT_THAT(ends, SizeIs(1));
    return ends[0];
  }

  const std::string picture_ =
      *engine::EncodePng(engine::MakeImage(32, 32, 3, 77), {});
  std::unique_ptr<TorchEngine> engine_;
};

TEST_F(TorchEngineTest, ARunWithAPictureEndsWithOne) {
  const RowEnd end = EndOf(picture_);
  EXPECT_FALSE(end.failed()) << end.error_message;
  EXPECT_TRUE(end.make_png().ok());
}

TEST_F(TorchEngineTest, ControlPicturesThatWereMadeAreLeftWithThePicture) {
  TorchEngine engine(*ModelList::Read({SHEAF_SOURCE_DIR "/models/shapes"}),
                     *engine::ImageRuntime::Open({}),
                     [this](const std::string&) { return picture_; });
  v1::LeasedBatch batch = MakeBatch(1, {{}, {}});
  v1::RunRequest& made = *batch.mutable_runs(0)->mutable_request();
  made.set_init_image("artifacts/aa");
  (*made.mutable_weights())["vis"] = 0.5;
  v1::Control* ready = batch.mutable_runs(1)->mutable_request()->add_controls();
  ready->set_type("vis");
  ready->set_image("artifacts/aa");
  const int64_t first = engine.Add(batch);
  std::map<int64_t, RowEnd> ends;
  while (ends.size() < 2) {
    for (RowEnd& end : engine.Step()) ends[end.row - first] = std::move(end);
  }
  ASSERT_FALSE(ends[0].failed()) << ends[0].error_message;
  ASSERT_THAT(ends[0].more, SizeIs(1));
  EXPECT_EQ(ends[0].more[0].name, "control-vis");
  const auto map = engine::DecodePng(*ends[0].more[0].make());
  ASSERT_TRUE(map.ok()) << map.status();
  EXPECT_EQ(map->image.width, 32);
  ASSERT_FALSE(ends[1].failed()) << ends[1].error_message;
  EXPECT_THAT(ends[1].more, SizeIs(0));
}

TEST_F(TorchEngineTest, LackOfMemoryIsSaid) {
  const RowEnd end = EndOf(picture_, {.memory_bytes_max = 1});
  EXPECT_EQ(end.error_class, v1::ERROR_CLASS_OUT_OF_MEMORY);
}

TEST_F(TorchEngineTest, ARunWithoutMemoryForItsPictureFailsAlone) {
  TorchEngine engine(
      *ModelList::Read({SHEAF_SOURCE_DIR "/tests/golden/models/tiny-sd"}),
      *engine::ImageRuntime::Open({}),
      [this](const std::string& name) -> absl::StatusOr<std::string> {
        if (name == "artifacts/bb") throw std::bad_alloc();
        return picture_;
      });
  v1::LeasedBatch batch = MakeBatch(1, {{}, {}, {}});
  const char* const pictures[] = {"artifacts/aa", "artifacts/bb",
                                  "artifacts/aa"};
  for (int i = 0; i < 3; ++i) {
    batch.mutable_runs(i)->mutable_request()->set_init_image(pictures[i]);
  }
  const int64_t first = engine.Add(batch);
  std::map<int64_t, v1::ErrorClass> classes;
  while (classes.size() < 3) {
    for (const RowEnd& end : engine.Step()) {
      classes[end.row - first] = end.error_class;
    }
  }
  EXPECT_THAT(classes, ElementsAre(Pair(0, v1::ERROR_CLASS_UNSPECIFIED),
                                   Pair(1, v1::ERROR_CLASS_OUT_OF_MEMORY),
                                   Pair(2, v1::ERROR_CLASS_UNSPECIFIED)));
}

TEST_F(TorchEngineTest, ServerThatIsBusySaysNothingOfTheDevice) {
  for (const absl::Status& status :
       {absl::ResourceExhaustedError("too many downloads"),
        absl::AbortedError("lost a race")}) {
    const RowEnd end = EndOf(status);
    EXPECT_EQ(end.error_class, v1::ERROR_CLASS_TRANSIENT) << status.ToString();
    EXPECT_TRUE(engine_->Health().ok()) << status.ToString();
  }
}

}  // namespace
}  // namespace sheaf::worker
