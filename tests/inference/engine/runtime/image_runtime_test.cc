#include "inference/engine/runtime/image_runtime.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <set>

#include "base/status.h"
#include "inference/engine/tensor/beats.h"
#include "inference/engine/tensor/memory.h"
#include "inference/engine/weights/safetensors.h"
#include "tests/base/temp_folder.h"
#include "tests/inference/engine/runtime/rows_alone.h"

namespace sheaf::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(ImageRuntimeTest, APictureOfMorePixelsThanAllowedIsRefused) {
  const auto runtime = OpenRuntime();
  runtime->LimitPixels(32 * 32);
  EXPECT_TRUE(runtime->Begin(MakeRequest(1)).ok());
  ImageRequest wanted = MakeRequest(1);
  wanted.request.height = 40;
  EXPECT_THAT(std::string(runtime->Begin(wanted).status().message()),
              HasSubstr("32x40 are 1280 pixels, more than 1024"));
  // The limit also holds where the size, 32x32, is left to the model.
  runtime->LimitPixels(32 * 32 - 1);
  wanted.request.height = 0;
  wanted.request.width = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(runtime->Begin(wanted).status()));
  runtime->LimitPixels(0);
  EXPECT_TRUE(runtime->Begin(wanted).ok());
  wanted.pixels_max = 32 * 32 - 1;
  EXPECT_TRUE(absl::IsInvalidArgument(runtime->Begin(wanted).status()));
  wanted.pixels_max = 0;
  wanted.pixel_steps_max = 32 * 32 * wanted.request.steps - 1;
  EXPECT_TRUE(absl::IsInvalidArgument(runtime->Begin(wanted).status()));
}

// Weights are mapped, so a change of their file shows in the model.
TEST(ImageRuntimeTest, AModelWhoseFileIsWrittenToFailsItsRowsAndIsLoadedAnew) {
  const TempFolder folder;
  std::filesystem::copy(TinyModel("tiny-sd"), folder.path() + "/m",
                        std::filesystem::copy_options::recursive);
  ImageRequest wanted = MakeRequest(1);
  wanted.model.folder = folder.path() + "/m";
  // Store the weights as floats, which are used as they lie in the file. Other
  // types are converted, and the file is let go.
  const std::string weights =
      wanted.model.folder + "/unet/diffusion_pytorch_model.safetensors";
  {
    const auto halves = ReadSafetensors(weights, MappedFile::Mode::kCopy);
    ASSERT_TRUE(halves.ok()) << halves.status();
    TensorMap floats;
    for (const auto& [name, tensor] : halves->tensors) {
      floats[name] = MakeFloatTensor(tensor.shape, tensor.ToFloats());
    }
    ASSERT_TRUE(WriteSafetensors(weights, floats, {}).ok());
  }
  const auto runtime = OpenRuntime();
  const auto before = runtime->Begin(wanted);
  ASSERT_TRUE(before.ok()) << before.status();
  const timespec then[] = {{.tv_sec = 1, .tv_nsec = 0},
                           {.tv_sec = 1, .tv_nsec = 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, weights.c_str(), then, 0), 0) << weights;
  EXPECT_TRUE(absl::IsDataLoss(runtime->Save(*before).status()));
  const absl::Status end = StepAll(runtime.get(), 1).at(*before).status();
  EXPECT_TRUE(absl::IsDataLoss(end)) << end;
  EXPECT_THAT(std::string(end.message()), HasSubstr("was written to"));
  const auto after = runtime->Begin(wanted);
  ASSERT_TRUE(after.ok()) << after.status();
  const auto picture = StepAll(runtime.get(), 1).at(*after);
  ASSERT_TRUE(picture.ok()) << picture.status();
  EXPECT_EQ(PixelHash(*picture), HashAlone(MakeRequest(1)));
}

TEST(ImageRuntimeTest, PreviewsBecomeThePictureAndChangeNothing) {
  const auto runtime = OpenRuntime();
  const auto one = runtime->Begin(MakeRequest(1, 4));
  const auto two = runtime->Begin(MakeRequest(2, 4));
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(runtime->PreviewOf(*one).status()));
  std::vector<Preview> previews;
  std::map<ImageRuntime::RowId, absl::StatusOr<Image>> ends;
  for (int step = 1; step <= 20 && ends.size() < 2; ++step) {
    for (ImageRuntime::End& end : runtime->Step()) {
      ends.emplace(end.row, std::move(end.image));
    }
    if (!ends.empty()) continue;
    auto preview = runtime->PreviewOf(*one);
    ASSERT_TRUE(preview.ok()) << preview.status();
    previews.push_back(*std::move(preview));
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(runtime->PreviewOf(*one).status()));
  ASSERT_EQ(ends.size(), 2u);
  ASSERT_GE(previews.size(), 3u);
  EXPECT_NE(previews.front().image.pixels, previews.back().image.pixels);
  EXPECT_EQ(previews.back().width, 32);
  EXPECT_EQ(PixelHash(*ends.at(*one)), HashAlone(MakeRequest(1, 4)));
  EXPECT_EQ(PixelHash(*ends.at(*two)), HashAlone(MakeRequest(2, 4)));
}

TEST(ImageRuntimeTest, ARowGoesOnElsewhereAsItWouldHaveHere) {
  for (const char* sampler : {"Euler a", "DPM++ 2M", "DPM++ SDE", "UniPC"}) {
    ImageRequest wanted = MakeRequest(5, 8);
    wanted.sampler = sampler;
    const auto here = OpenRuntime();
    const auto row = here->Begin(wanted);
    ASSERT_TRUE(row.ok()) << row.status().ToString();
    for (int step = 0; step < 5; ++step) here->Step();
    const auto saved = here->Save(*row);
    ASSERT_TRUE(saved.ok()) << saved.status().ToString();

    const auto there = OpenRuntime();
    ASSERT_TRUE(there->Begin(MakeRequest(6, 8)).ok());
    const auto again = there->Begin(wanted);
    ASSERT_TRUE(again.ok()) << again.status().ToString();
    const absl::Status restored = there->Restore(*again, *saved);
    ASSERT_TRUE(restored.ok()) << restored.ToString();
    EXPECT_EQ(there->StepsOf(*again).done, 5u);
    const auto ends = StepAll(there.get(), 2);
    EXPECT_EQ(PixelHash(*ends.at(*again)), HashAlone(wanted)) << sampler;
  }
}

TEST(ImageRuntimeTest, WhatIsNoSavedRowLeavesTheRowAsItWas) {
  const auto runtime = OpenRuntime();
  const ImageRequest wanted = MakeRequest(5, 4);
  const auto row = runtime->Begin(wanted);
  const auto longer = runtime->Begin(MakeRequest(5, 6));
  ASSERT_TRUE(row.ok() && longer.ok());
  runtime->Step();
  const std::string saved = *runtime->Save(*row);
  for (const std::string& bytes :
       {std::string(), std::string("nonsense"), saved.substr(1),
        saved.substr(0, saved.size() - 1), *runtime->Save(*longer)}) {
    EXPECT_EQ(runtime->Restore(*row, bytes).code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(runtime->StepsOf(*row).done, 1u);
  EXPECT_EQ(PixelHash(*StepAll(runtime.get(), 2).at(*row)), HashAlone(wanted));
  EXPECT_EQ(runtime->Save(*row).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(runtime->Restore(*row, saved).code(), absl::StatusCode::kNotFound);
}

TEST(ImageRuntimeTest, RowsThatComeAndGoAreWhatTheyAreAlone) {
  const auto runtime = OpenRuntime();
  std::map<ImageRuntime::RowId, ImageRequest> orders;
  std::map<ImageRuntime::RowId, absl::StatusOr<Image>> ends;
  const auto step = [&] {
    for (ImageRuntime::End& end : runtime->Step()) {
      ends.emplace(end.row, std::move(end.image));
    }
  };
  const auto begin = [&](const ImageRequest& wanted) {
    const auto row = runtime->Begin(wanted);
    ASSERT_TRUE(row.ok()) << row.status().ToString();
    orders[*row] = wanted;
  };
  begin(MakeRequest(1, 6));
  begin(MakeRequest(2, 3));
  step();
  begin(MakeRequest(3, 4));
  step();
  ImageRequest other = MakeRequest(4, 2);
  other.sampler = "Euler a";
  other.request.guidance = 1;
  begin(other);
  begin(MakeRequest(5, 2, "tiny-sd2"));
  for (int i = 0; i < 20 && ends.size() < orders.size(); ++i) step();
  ASSERT_THAT(ends, SizeIs(5));
  for (const auto& [row, wanted] : orders) {
    ASSERT_TRUE(ends.at(row).ok()) << ends.at(row).status().ToString();
    EXPECT_EQ(PixelHash(*ends.at(row)), HashAlone(wanted)) << row;
  }
  EXPECT_THAT(runtime->Step(), IsEmpty());
}

TEST(ImageRuntimeTest, ARowTellsHowFarItHasCome) {
  const auto runtime = OpenRuntime();
  const auto row = runtime->Begin(MakeRequest(1, 5));
  ASSERT_TRUE(row.ok());
  // Its scheduler, PNDM, makes one call more than there are steps.
  const size_t count = runtime->StepsOf(*row).count;
  EXPECT_EQ(count, 6u);
  runtime->Step();
  EXPECT_EQ(runtime->StepsOf(*row).done, 1u);
  runtime->Drop(*row);
  runtime->Drop(*row);
  EXPECT_THAT(runtime->Step(), IsEmpty());
}

TEST(ImageRuntimeTest, WhatCannotWorkIsRefusedAtTheDoor) {
  const auto runtime = OpenRuntime();
  const auto code = [&](const ImageRequest& wanted) {
    return runtime->Begin(wanted).status().code();
  };
  ImageRequest wanted = MakeRequest(1);
  wanted.model.folder = TinyModel("nowhere");
  EXPECT_EQ(code(wanted), absl::StatusCode::kNotFound);
  wanted = MakeRequest(1);
  wanted.sampler = "Oiler";
  EXPECT_EQ(code(wanted), absl::StatusCode::kInvalidArgument);
  wanted = MakeRequest(1);
  wanted.request.width = 33;
  EXPECT_EQ(code(wanted), absl::StatusCode::kInvalidArgument);
  wanted = MakeRequest(1);
  wanted.controls.push_back({.folder = TinyModel("tiny-sd/unet")});
  EXPECT_NE(code(wanted), absl::StatusCode::kOk);
  EXPECT_THAT(runtime->Step(), IsEmpty());
}

TEST(ImageRuntimeTest, SizesThatAreNotGivenAreTheModels) {
  const auto runtime = OpenRuntime();
  ImageRequest wanted = MakeRequest(1, 1);
  wanted.request.width = 0;
  wanted.request.height = 0;
  const auto row = runtime->Begin(wanted);
  ASSERT_TRUE(row.ok()) << row.status().ToString();
  const auto ends = StepAll(runtime.get(), 1);
  EXPECT_EQ((*ends.at(*row)).width, 32);
}

TEST(ImageRuntimeTest, LoadingAndSteppingGiveSignsOfLife) {
  const auto runtime = OpenRuntime();
  const int64_t at_first = Beats();
  ASSERT_TRUE(runtime->Begin(MakeRequest(1, 2)).ok());
  const int64_t loaded = Beats();
  // A tiny model has so many weights and layers.
  EXPECT_GT(loaded, at_first + 100);
  runtime->Step();
  EXPECT_GT(Beats(), loaded + 30);
}

TEST(ImageRuntimeTest, EverySoManyBatchesMemoryIsCleanedUp) {
  const auto runtime = OpenRuntime({.batches_per_cleanup = 3});
  std::vector<bool> cleaned;
  for (int batch = 0; batch < 7; ++batch) {
    const auto cleanup = runtime->StartMemory();
    cleaned.push_back(cleanup.has_value());
    if (cleanup) {
      EXPECT_GT(cleanup->bytes_after, size_t{1} << 20);
    }
  }
  EXPECT_THAT(cleaned, ::testing::ElementsAre(false, false, true, false, false,
                                              true, false));
}

TEST(ImageRuntimeTest, WhereMemoryRunsOutFewerRowsGoTogether) {
  std::vector<ImageRequest> orders;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    orders.push_back(MakeRequest(seed, 2));
    orders.back().request.width = 64;
    orders.back().request.height = 64;
  }
  const auto measure = [&](size_t limit, MemoryUse* use) {
    const auto runtime = OpenRuntime({.memory_bytes_max = limit});
    for (const ImageRequest& wanted : orders) {
      const auto row = runtime->Begin(wanted);
      EXPECT_TRUE(row.ok()) << row.status().ToString();
    }
    runtime->StartMemory();
    std::set<std::string> hashes;
    for (const auto& [row, image] : StepAll(runtime.get(), orders.size())) {
      EXPECT_TRUE(image.ok()) << image.status().ToString();
      if (image.ok()) hashes.insert(PixelHash(*image));
    }
    *use = runtime->memory();
    return hashes;
  };
  MemoryUse free;
  const std::set<std::string> pictures = measure(0, &free);
  EXPECT_EQ(free.rows, 4u);
  EXPECT_EQ(free.ran_out_rows, 0u);
  ASSERT_GT(free.peak_bytes, 0u);
  MemoryUse tight;
  EXPECT_EQ(measure(free.peak_bytes * 7 / 10, &tight), pictures);
  EXPECT_GE(tight.ran_out_rows, 2u);
  // `rows` counts the rows that fitted together, not those that were tried.
  EXPECT_GE(tight.rows, 1u);
  EXPECT_LT(tight.rows, tight.ran_out_rows);
  EXPECT_LE(tight.peak_bytes, free.peak_bytes * 7 / 10);
  SetMemoryLimit(0);
}

TEST(ImageRuntimeTest, ModelsBeyondTheirBudgetComeAndGo) {
  const auto runtime = OpenRuntime({.model_bytes_max = 1});
  for (const char* model : {"tiny-sd", "tiny-sd2", "tiny-sd"}) {
    const auto row = runtime->Begin(MakeRequest(1, 1, model));
    ASSERT_TRUE(row.ok()) << row.status().ToString();
    EXPECT_TRUE(StepAll(runtime.get(), 1).at(*row).ok());
  }
}

ImageRequest WithControl(ImageRequest wanted) {
  wanted.controls.push_back({.folder = TinyModel("controlnet-a"),
                             .image = MakeImage(32, 32, 3, 128)});
  return wanted;
}

TEST(ImageRuntimeTest, AControlThatDoesNotFitIsRefusedAndOthersGoOn) {
  const auto runtime = OpenRuntime();
  const auto row = runtime->Begin(MakeRequest(1));
  ASSERT_TRUE(row.ok()) << row.status().ToString();
  SetMemoryLimit(MemoryInUse() + 1);
  const absl::Status status =
      runtime->Begin(WithControl(MakeRequest(2))).status();
  SetMemoryLimit(0);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status.ToString();
  EXPECT_TRUE(runtime->Begin(WithControl(MakeRequest(2))).ok());
  EXPECT_EQ(PixelHash(*StepAll(runtime.get(), 2).at(*row)),
            HashAlone(MakeRequest(1)));
}

TEST(ImageRuntimeTest, UnusedModelsMakeRoomForAControl) {
  const auto runtime = OpenRuntime();
  const auto unused = runtime->Begin(MakeRequest(1, 1, "tiny-sdxl"));
  ASSERT_TRUE(unused.ok()) << unused.status().ToString();
  ASSERT_TRUE(runtime->Begin(MakeRequest(1)).ok());
  runtime->Drop(*unused);
  SetMemoryLimit(MemoryInUse() + 1);
  const absl::Status status =
      runtime->Begin(WithControl(MakeRequest(2))).status();
  SetMemoryLimit(0);
  EXPECT_TRUE(status.ok()) << status.ToString();
}

TEST(ImageRuntimeTest, ADeviceThatIsNotHereIsRefused) {
  const auto code = [](const RuntimeOptions& options) {
    return ImageRuntime::Open(options).status().code();
  };
  EXPECT_EQ(code({.device = "tpu"}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.dtype = "fp8"}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.device = "cpu", .dtype = "fp16"}),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sheaf::engine
