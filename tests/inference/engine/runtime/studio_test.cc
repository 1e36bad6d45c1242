#include "inference/engine/runtime/studio.h"

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
#include "tests/inference/engine/weights/temp_folder.h"

namespace sheaf::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kModels = SHEAF_SOURCE_DIR "/tests/golden/models/";

Order MakeOrder(uint64_t seed, int steps = 3,
                const std::string& model = "tiny-sd") {
  Order order;
  order.model.folder = kModels + model;
  order.request.prompt = "a cat";
  order.request.seed = seed;
  order.request.steps = steps;
  order.request.width = 32;
  order.request.height = 32;
  return order;
}

std::unique_ptr<Studio> OpenStudio(const StudioOptions& options = {}) {
  InstallAllocator();
  auto studio = Studio::Open(options);
  EXPECT_TRUE(studio.ok()) << studio.status().ToString();
  return *std::move(studio);
}

// How each row ended, after all have.
std::map<Studio::RowId, absl::StatusOr<Image>> StepAll(Studio* studio,
                                                       size_t rows) {
  std::map<Studio::RowId, absl::StatusOr<Image>> ends;
  for (int i = 0; i < 2000 && ends.size() < rows; ++i) {
    for (Studio::End& end : studio->Step()) {
      EXPECT_TRUE(ends.emplace(end.row, std::move(end.image)).second);
    }
  }
  return ends;
}

std::string HashAlone(const Order& order) {
  const auto studio = OpenStudio();
  const auto row = studio->Begin(order);
  EXPECT_TRUE(row.ok()) << row.status().ToString();
  return PixelHash(*StepAll(studio.get(), 1).at(*row));
}

TEST(StudioTest, APictureOfMorePixelsThanAllowedIsRefused) {
  const auto studio = OpenStudio();
  studio->LimitPixels(32 * 32);
  EXPECT_TRUE(studio->Begin(MakeOrder(1)).ok());
  Order order = MakeOrder(1);
  order.request.height = 40;
  EXPECT_THAT(std::string(studio->Begin(order).status().message()),
              HasSubstr("32x40 are 1280 pixels, more than 1024"));
  // Also where the size, 32x32, is left to the model.
  studio->LimitPixels(32 * 32 - 1);
  order.request.height = 0;
  order.request.width = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(studio->Begin(order).status()));
  studio->LimitPixels(0);
  EXPECT_TRUE(studio->Begin(order).ok());
  order.pixels_max = 32 * 32 - 1;
  EXPECT_TRUE(absl::IsInvalidArgument(studio->Begin(order).status()));
  order.pixels_max = 0;
  order.pixel_steps_max = 32 * 32 * order.request.steps - 1;
  EXPECT_TRUE(absl::IsInvalidArgument(studio->Begin(order).status()));
}

// Weights are mapped: what is written to their file shows in the model.
TEST(StudioTest, AModelWhoseFileIsWrittenToFailsItsRowsAndIsLoadedAnew) {
  const TempFolder folder;
  std::filesystem::copy(kModels + "tiny-sd", folder.path() + "/m",
                        std::filesystem::copy_options::recursive);
  Order order = MakeOrder(1);
  order.model.folder = folder.path() + "/m";
  // Held as they lie in the file: others are converted, and the file let go.
  const std::string weights =
      order.model.folder + "/unet/diffusion_pytorch_model.safetensors";
  {
    const auto halves = ReadSafetensors(weights, MappedFile::Mode::kCopy);
    ASSERT_TRUE(halves.ok()) << halves.status();
    TensorMap floats;
    for (const auto& [name, tensor] : halves->tensors) {
      floats[name] = MakeFloatTensor(tensor.shape, tensor.ToFloats());
    }
    ASSERT_TRUE(WriteSafetensors(weights, floats, {}).ok());
  }
  const auto studio = OpenStudio();
  const auto before = studio->Begin(order);
  ASSERT_TRUE(before.ok()) << before.status();
  const timespec then[] = {{.tv_sec = 1, .tv_nsec = 0},
                           {.tv_sec = 1, .tv_nsec = 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, weights.c_str(), then, 0), 0) << weights;
  EXPECT_TRUE(absl::IsDataLoss(studio->Save(*before).status()));
  const absl::Status end = StepAll(studio.get(), 1).at(*before).status();
  EXPECT_TRUE(absl::IsDataLoss(end)) << end;
  EXPECT_THAT(std::string(end.message()), HasSubstr("was written to"));
  const auto after = studio->Begin(order);
  ASSERT_TRUE(after.ok()) << after.status();
  const auto picture = StepAll(studio.get(), 1).at(*after);
  ASSERT_TRUE(picture.ok()) << picture.status();
  EXPECT_EQ(PixelHash(*picture), HashAlone(MakeOrder(1)));
}

TEST(StudioTest, PreviewsBecomeThePictureAndChangeNothing) {
  const auto studio = OpenStudio();
  const auto one = studio->Begin(MakeOrder(1, 4));
  const auto two = studio->Begin(MakeOrder(2, 4));
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(studio->PreviewOf(*one).status()));
  std::vector<Preview> previews;
  std::map<Studio::RowId, absl::StatusOr<Image>> ends;
  for (int step = 1; step <= 20 && ends.size() < 2; ++step) {
    for (Studio::End& end : studio->Step()) {
      ends.emplace(end.row, std::move(end.image));
    }
    if (!ends.empty()) continue;
    auto preview = studio->PreviewOf(*one);
    ASSERT_TRUE(preview.ok()) << preview.status();
    previews.push_back(*std::move(preview));
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(studio->PreviewOf(*one).status()));
  ASSERT_EQ(ends.size(), 2u);
  ASSERT_GE(previews.size(), 3u);
  EXPECT_NE(previews.front().image.pixels, previews.back().image.pixels);
  EXPECT_EQ(previews.back().width, 32);
  EXPECT_EQ(PixelHash(*ends.at(*one)), HashAlone(MakeOrder(1, 4)));
  EXPECT_EQ(PixelHash(*ends.at(*two)), HashAlone(MakeOrder(2, 4)));
}

TEST(StudioTest, ARowGoesOnElsewhereAsItWouldHaveHere) {
  for (const char* sampler : {"Euler a", "DPM++ 2M", "DPM++ SDE", "UniPC"}) {
    Order order = MakeOrder(5, 8);
    order.sampler = sampler;
    const auto here = OpenStudio();
    const auto row = here->Begin(order);
    ASSERT_TRUE(row.ok()) << row.status().ToString();
    for (int step = 0; step < 5; ++step) here->Step();
    const auto saved = here->Save(*row);
    ASSERT_TRUE(saved.ok()) << saved.status().ToString();

    const auto there = OpenStudio();
    ASSERT_TRUE(there->Begin(MakeOrder(6, 8)).ok());
    const auto again = there->Begin(order);
    ASSERT_TRUE(again.ok()) << again.status().ToString();
    const absl::Status restored = there->Restore(*again, *saved);
    ASSERT_TRUE(restored.ok()) << restored.ToString();
    EXPECT_EQ(there->StepsOf(*again).done, 5u);
    const auto ends = StepAll(there.get(), 2);
    EXPECT_EQ(PixelHash(*ends.at(*again)), HashAlone(order)) << sampler;
  }
}

TEST(StudioTest, WhatIsNoSavedRowLeavesTheRowAsItWas) {
  const auto studio = OpenStudio();
  const Order order = MakeOrder(5, 4);
  const auto row = studio->Begin(order);
  const auto longer = studio->Begin(MakeOrder(5, 6));
  ASSERT_TRUE(row.ok() && longer.ok());
  studio->Step();
  const std::string saved = *studio->Save(*row);
  for (const std::string& bytes :
       {std::string(), std::string("nonsense"), saved.substr(1),
        saved.substr(0, saved.size() - 1), *studio->Save(*longer)}) {
    EXPECT_EQ(studio->Restore(*row, bytes).code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(studio->StepsOf(*row).done, 1u);
  EXPECT_EQ(PixelHash(*StepAll(studio.get(), 2).at(*row)), HashAlone(order));
  EXPECT_EQ(studio->Save(*row).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(studio->Restore(*row, saved).code(), absl::StatusCode::kNotFound);
}

TEST(StudioTest, RowsThatComeAndGoAreWhatTheyAreAlone) {
  const auto studio = OpenStudio();
  std::map<Studio::RowId, Order> orders;
  std::map<Studio::RowId, absl::StatusOr<Image>> ends;
  const auto step = [&] {
    for (Studio::End& end : studio->Step()) {
      ends.emplace(end.row, std::move(end.image));
    }
  };
  const auto begin = [&](const Order& order) {
    const auto row = studio->Begin(order);
    ASSERT_TRUE(row.ok()) << row.status().ToString();
    orders[*row] = order;
  };
  begin(MakeOrder(1, 6));
  begin(MakeOrder(2, 3));
  step();
  begin(MakeOrder(3, 4));
  step();
  Order other = MakeOrder(4, 2);
  other.sampler = "Euler a";
  other.request.guidance = 1;
  begin(other);
  begin(MakeOrder(5, 2, "tiny-sd2"));
  for (int i = 0; i < 20 && ends.size() < orders.size(); ++i) step();
  ASSERT_THAT(ends, SizeIs(5));
  for (const auto& [row, order] : orders) {
    ASSERT_TRUE(ends.at(row).ok()) << ends.at(row).status().ToString();
    EXPECT_EQ(PixelHash(*ends.at(row)), HashAlone(order)) << row;
  }
  EXPECT_THAT(studio->Step(), IsEmpty());
}

TEST(StudioTest, ARowTellsHowFarItHasCome) {
  const auto studio = OpenStudio();
  const auto row = studio->Begin(MakeOrder(1, 5));
  ASSERT_TRUE(row.ok());
  // Its scheduler, PNDM, makes one call more than there are steps.
  const size_t count = studio->StepsOf(*row).count;
  EXPECT_EQ(count, 6u);
  studio->Step();
  EXPECT_EQ(studio->StepsOf(*row).done, 1u);
  studio->Drop(*row);
  studio->Drop(*row);
  EXPECT_THAT(studio->Step(), IsEmpty());
}

TEST(StudioTest, WhatCannotWorkIsRefusedAtTheDoor) {
  const auto studio = OpenStudio();
  const auto code = [&](const Order& order) {
    return studio->Begin(order).status().code();
  };
  Order order = MakeOrder(1);
  order.model.folder = kModels + "nowhere";
  EXPECT_EQ(code(order), absl::StatusCode::kNotFound);
  order = MakeOrder(1);
  order.sampler = "Oiler";
  EXPECT_EQ(code(order), absl::StatusCode::kInvalidArgument);
  order = MakeOrder(1);
  order.request.width = 33;
  EXPECT_EQ(code(order), absl::StatusCode::kInvalidArgument);
  order = MakeOrder(1);
  order.controls.push_back({.folder = kModels + "tiny-sd/unet"});
  EXPECT_NE(code(order), absl::StatusCode::kOk);
  EXPECT_THAT(studio->Step(), IsEmpty());
}

TEST(StudioTest, SizesThatAreNotGivenAreTheModels) {
  const auto studio = OpenStudio();
  Order order = MakeOrder(1, 1);
  order.request.width = 0;
  order.request.height = 0;
  const auto row = studio->Begin(order);
  ASSERT_TRUE(row.ok()) << row.status().ToString();
  const auto ends = StepAll(studio.get(), 1);
  EXPECT_EQ((*ends.at(*row)).width, 32);
}

TEST(StudioTest, LoadingAndSteppingGiveSignsOfLife) {
  const auto studio = OpenStudio();
  const int64_t at_first = Beats();
  ASSERT_TRUE(studio->Begin(MakeOrder(1, 2)).ok());
  const int64_t loaded = Beats();
  // Weights and layers, of a tiny model.
  EXPECT_GT(loaded, at_first + 100);
  studio->Step();
  EXPECT_GT(Beats(), loaded + 30);
}

TEST(StudioTest, EverySoManyBatchesMemoryIsCleanedUp) {
  const auto studio = OpenStudio({.batches_per_cleanup = 3});
  std::vector<bool> cleaned;
  for (int batch = 0; batch < 7; ++batch) {
    const auto cleanup = studio->StartMemory();
    cleaned.push_back(cleanup.has_value());
    if (cleanup) {
      EXPECT_GT(cleanup->bytes_after, size_t{1} << 20);
    }
  }
  EXPECT_THAT(cleaned, ::testing::ElementsAre(false, false, true, false, false,
                                              true, false));
}

TEST(StudioTest, WhereMemoryRunsOutFewerRowsGoTogether) {
  std::vector<Order> orders;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    orders.push_back(MakeOrder(seed, 2));
    orders.back().request.width = 64;
    orders.back().request.height = 64;
  }
  const auto measure = [&](size_t limit, MemoryUse* use) {
    const auto studio = OpenStudio({.memory_bytes_max = limit});
    for (const Order& order : orders) {
      const auto row = studio->Begin(order);
      EXPECT_TRUE(row.ok()) << row.status().ToString();
    }
    studio->StartMemory();
    std::set<std::string> hashes;
    for (const auto& [row, image] : StepAll(studio.get(), orders.size())) {
      EXPECT_TRUE(image.ok()) << image.status().ToString();
      if (image.ok()) hashes.insert(PixelHash(*image));
    }
    *use = studio->memory();
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
  // What went together is what fitted, not what was tried.
  EXPECT_GE(tight.rows, 1u);
  EXPECT_LT(tight.rows, tight.ran_out_rows);
  EXPECT_LE(tight.peak_bytes, free.peak_bytes * 7 / 10);
  SetMemoryLimit(0);
}

TEST(StudioTest, ModelsBeyondTheirBudgetComeAndGo) {
  const auto studio = OpenStudio({.model_bytes_max = 1});
  for (const char* model : {"tiny-sd", "tiny-sd2", "tiny-sd"}) {
    const auto row = studio->Begin(MakeOrder(1, 1, model));
    ASSERT_TRUE(row.ok()) << row.status().ToString();
    EXPECT_TRUE(StepAll(studio.get(), 1).at(*row).ok());
  }
}

TEST(StudioTest, ADeviceThatIsNotHereIsRefused) {
  const auto code = [](const StudioOptions& options) {
    return Studio::Open(options).status().code();
  };
  EXPECT_EQ(code({.device = "tpu"}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.dtype = "fp8"}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.device = "cpu", .dtype = "fp16"}),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sheaf::engine
