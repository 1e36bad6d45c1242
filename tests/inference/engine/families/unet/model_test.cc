#include "inference/engine/families/unet/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inference/engine/families/load_model.h"
#include "inference/engine/pipeline/begin.h"
#include "inference/engine/schedule/registry.h"
#include "tests/inference/engine/models/golden.h"

namespace sheaf::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<const Model> Load(const std::string& model,
                                  const std::string& unet = "") {
  return LoadModel(
             GoldenPath("models/" + model),
             {.denoiser = unet.empty() ? "" : GoldenPath("models/" + unet)})
      .value();
}

TEST(UNetModelTest, APlainUNetMakesPicturesAndChangesThem) {
  for (const char* name : {"tiny-sd", "tiny-sd2", "tiny-sdxl"}) {
    const ModelTraits traits = Load(name)->traits;
    EXPECT_THAT(traits.tasks,
                ElementsAre(Task::kText, Task::kImage, Task::kInpaint))
        << name;
    EXPECT_FALSE(traits.sees_mask) << name;
    EXPECT_EQ(traits.guidance, Guidance::kNegativePrompt) << name;
    EXPECT_EQ(traits.native_side % traits.side_multiple, 0) << name;
  }
}

TEST(UNetModelTest, AUNetOfMoreChannelsWasMadeForOneTask) {
  const ModelTraits inpainting = Load("tiny-sd", "unet-inpaint")->traits;
  EXPECT_THAT(inpainting.tasks, ElementsAre(Task::kInpaint));
  EXPECT_TRUE(inpainting.sees_mask);
  const ModelTraits editing = Load("tiny-sd", "unet-ip2p")->traits;
  EXPECT_THAT(editing.tasks, ElementsAre(Task::kEdit));
  EXPECT_FALSE(editing.sees_mask);
}

TEST(UNetModelTest, AUNetThatStandsAloneTellsItsTasks) {
  EXPECT_THAT(ReadUNetTasks(GoldenPath("models/unet-ip2p")).value(),
              ElementsAre(Task::kEdit));
  EXPECT_THAT(ReadUNetTasks(GoldenPath("models/unet-inpaint")).value(),
              ElementsAre(Task::kInpaint));
  const auto control = ReadUNetTasks(GoldenPath("models/controlnet-a"));
  EXPECT_TRUE(absl::IsInvalidArgument(control.status())) << control.status();
}

TEST(UNetModelTest, ATaskThatAModelWasNotMadeForIsRefused) {
  const std::pair<Task, const char*> refusals[] = {
      {Task::kText, "from a prompt alone"},
      {Task::kImage, "from pictures"},
      {Task::kInpaint, "into masks"}};
  const auto editing = Load("tiny-sd", "unet-ip2p");
  for (const auto& [task, words] : refusals) {
    RunRequest request = {.task = task, .width = 32, .height = 32};
    request.image = request.mask = MakeImage(32, 32, 3);
    request.scheduler =
        ResolveScheduler("auto", editing->scheduler, Config()).value();
    const absl::Status status = BeginRow(*editing, request).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(words));
    request.task = Task::kEdit;
    EXPECT_TRUE(BeginRow(*editing, request).ok());
  }
}

}  // namespace
}  // namespace sheaf::engine
