// Rows that a second model finishes, and what single models do not hear of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/inference/engine/runtime/rows_alone.h"

namespace sheaf::engine {
namespace {

using ::testing::HasSubstr;

ImageRequest MakeRefined(uint64_t seed, double start = 0.6) {
  ImageRequest wanted = MakeRequest(seed, 5, "tiny-sdxl");
  wanted.refiner = {.model = {.folder = TinyModel("tiny-refiner")},
                    .start = start};
  return wanted;
}

TEST(RefinerTest, ARefinerMakesTheLastSteps) {
  const auto runtime = OpenRuntime();
  const auto plain = runtime->Begin(MakeRequest(1, 5, "tiny-sdxl"));
  const auto late = runtime->Begin(MakeRefined(1, 0.8));
  const auto early = runtime->Begin(MakeRefined(1));
  ASSERT_TRUE(plain.ok() && late.ok() && early.ok()) << early.status();
  for (const auto& row : {plain, late, early}) {
    EXPECT_EQ(runtime->StepsOf(*row).count, 5u);
  }
  std::set<std::string> pictures;
  std::vector<size_t> done;
  std::map<ImageRuntime::RowId, absl::StatusOr<Image>> ends;
  while (ends.size() < 3) {
    for (ImageRuntime::End& end : runtime->Step()) {
      ends.emplace(end.row, std::move(end.image));
    }
    done.push_back(runtime->StepsOf(*early).done);
  }
  EXPECT_EQ(done, (std::vector<size_t>{1, 2, 3, 4, 0}));
  for (const auto& end : ends) {
    ASSERT_TRUE(end.second.ok()) << end.second.status();
    pictures.insert(PixelHash(*end.second));
  }
  EXPECT_EQ(pictures.size(), 3u);
  EXPECT_EQ(PixelHash(*ends.at(*early)), HashAlone(MakeRefined(1)));
}

TEST(RefinerTest, ARowOfEitherPartGoesOnElsewhere) {
  const std::string wanted = HashAlone(MakeRefined(7));
  for (const int steps : {2, 4}) {
    const auto here = OpenRuntime();
    const auto row = here->Begin(MakeRefined(7));
    ASSERT_TRUE(row.ok()) << row.status();
    for (int step = 0; step < steps; ++step) here->Step();
    const auto saved = here->Save(*row);
    ASSERT_TRUE(saved.ok()) << saved.status();
    const auto there = OpenRuntime();
    const auto again = there->Begin(MakeRefined(7));
    for (const std::string& bytes :
         {std::string(), std::string("r"), saved->substr(1)}) {
      EXPECT_FALSE(there->Restore(*again, bytes).ok());
    }
    const absl::Status restored = there->Restore(*again, *saved);
    ASSERT_TRUE(restored.ok()) << restored;
    EXPECT_EQ(there->StepsOf(*again).done, static_cast<size_t>(steps));
    EXPECT_EQ(PixelHash(*StepAll(there.get(), 1).at(*again)), wanted) << steps;
  }
}

TEST(RefinerTest, ARefinerThatCannotTakeOverIsRefused) {
  const auto runtime = OpenRuntime();
  const auto refusal = [&](const ImageRequest& wanted) {
    return std::string(runtime->Begin(wanted).status().message());
  };
  EXPECT_THAT(refusal(MakeRefined(1, 0)), HasSubstr("leave no step to make"));
  EXPECT_THAT(refusal(MakeRefined(1, 1)), HasSubstr("leave no step to make"));
  ImageRequest masked = MakeRefined(1);
  masked.request.task = Task::kInpaint;
  EXPECT_THAT(refusal(masked), HasSubstr("neither a mask nor an edit"));
  // The row fails when its refiner is not there; its neighbour goes on.
  ImageRequest lost = MakeRefined(1);
  lost.refiner->model.folder = TinyModel("nowhere");
  const auto row = runtime->Begin(lost);
  const auto neighbour = runtime->Begin(MakeRefined(2));
  ASSERT_TRUE(row.ok() && neighbour.ok());
  const auto ends = StepAll(runtime.get(), 2);
  EXPECT_TRUE(absl::IsNotFound(ends.at(*row).status()))
      << ends.at(*row).status();
  EXPECT_EQ(PixelHash(*ends.at(*neighbour)), HashAlone(MakeRefined(2)));
}

TEST(SecondPromptTest, AModelRefusesWhatItWouldNotHearOf) {
  const auto runtime = OpenRuntime();
  const auto refusal = [&](const std::string& model, auto change) {
    ImageRequest wanted = MakeRequest(1, 2, model);
    if (model == "tiny-refiner") {
      wanted.request.task = Task::kImage;
      wanted.request.image = MakeImage(32, 32, 3, 90);
    }
    change(&wanted.request);
    return std::string(runtime->Begin(wanted).status().message());
  };
  const auto prompt = [](RunRequest* request) { request->prompt_2 = "oil"; };
  const auto lone = [](RunRequest* request) {
    request->negative_prompt_2 = "oil";
  };
  const auto empty = [](RunRequest* request) { request->negative_prompt = ""; };
  const auto negative = [](RunRequest* request) {
    request->negative_prompt = "";
    request->negative_prompt_2 = "oil";
  };
  const auto original = [](RunRequest* request) {
    request->original_size = {64, 64};
  };
  const auto crop = [](RunRequest* request) { request->crop = {8, 0}; };
  const auto target = [](RunRequest* request) {
    request->target_size = {64, 64};
  };
  EXPECT_THAT(refusal("tiny-sd", prompt), HasSubstr("no second text encoder"));
  EXPECT_THAT(refusal("tiny-sd", negative),
              HasSubstr("no second text encoder"));
  // The model sees zeros where there is no negative prompt.
  EXPECT_THAT(refusal("tiny-sdxl", lone), HasSubstr("needs a negative_prompt"));
  EXPECT_THAT(refusal("tiny-sd", original), HasSubstr("original size"));
  EXPECT_THAT(refusal("tiny-sd", crop), HasSubstr("crop"));
  EXPECT_THAT(refusal("tiny-sd", target), HasSubstr("target size"));
  EXPECT_THAT(refusal("tiny-refiner", prompt),
              HasSubstr("no second text encoder"));
  EXPECT_EQ(refusal("tiny-refiner", original), "");
  EXPECT_THAT(refusal("tiny-refiner", target), HasSubstr("target size"));
  std::set<std::string> pictures = {HashAlone(MakeRequest(1, 2, "tiny-sdxl"))};
  for (void (*change)(RunRequest*) :
       {+prompt, +empty, +negative, +original, +crop, +target}) {
    ImageRequest wanted = MakeRequest(1, 2, "tiny-sdxl");
    change(&wanted.request);
    pictures.insert(HashAlone(wanted));
  }
  EXPECT_EQ(pictures.size(), 7u);
}

}  // namespace
}  // namespace sheaf::engine
