#include "tests/inference/engine/runtime/rows_alone.h"

#include <gtest/gtest.h>

#include <utility>

#include "inference/engine/tensor/memory.h"

namespace sheaf::engine {

std::string TinyModel(const std::string& name) {
  return SHEAF_SOURCE_DIR "/tests/golden/models/" + name;
}

ImageRequest MakeRequest(uint64_t seed, int steps, const std::string& model) {
  ImageRequest wanted;
  wanted.model.folder = TinyModel(model);
  wanted.request.prompt = "a cat";
  wanted.request.seed = seed;
  wanted.request.steps = steps;
  wanted.request.width = 32;
  wanted.request.height = 32;
  return wanted;
}

std::unique_ptr<ImageRuntime> OpenRuntime(const RuntimeOptions& options) {
  InstallAllocator();
  auto runtime = ImageRuntime::Open(options);
  EXPECT_TRUE(runtime.ok()) << runtime.status().ToString();
  return *std::move(runtime);
}

std::map<ImageRuntime::RowId, absl::StatusOr<Image>> StepAll(
    ImageRuntime* runtime, size_t rows) {
  std::map<ImageRuntime::RowId, absl::StatusOr<Image>> ends;
  for (int i = 0; i < 2000 && ends.size() < rows; ++i) {
    for (ImageRuntime::End& end : runtime->Step()) {
      EXPECT_TRUE(ends.emplace(end.row, std::move(end.image)).second);
    }
  }
  return ends;
}

std::string HashAlone(const ImageRequest& wanted) {
  const auto runtime = OpenRuntime();
  const auto row = runtime->Begin(wanted);
  EXPECT_TRUE(row.ok()) << row.status().ToString();
  return PixelHash(*StepAll(runtime.get(), 1).at(*row));
}

}  // namespace sheaf::engine
