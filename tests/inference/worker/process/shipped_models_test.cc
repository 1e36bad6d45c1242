#include "inference/worker/process/shipped_models.h"

#include "gmock/gmock.h"
#include "tests/base/temp_folder.h"

namespace sheaf::worker {
namespace {

using ::testing::HasSubstr;

class ShippedModelsTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::string> Found(const std::string& program) const {
    const auto found = FindShippedModels(folder_.path() + "/" + program);
    if (!found.ok()) return found.status();
    return found->string();
  }

  const TempFolder folder_;
};

TEST_F(ShippedModelsTest, AnInstalledProgramHasThemBesideIt) {
  folder_.Write("usr/share/sheaf/models/shapes/model_index.json", "{}");
  EXPECT_EQ(*Found("usr/bin/sheaf-torch-worker"),
            folder_.path() + "/usr/share/sheaf/models");
}

TEST_F(ShippedModelsTest, AProgramThatWasBuiltHasThoseOfItsSources) {
  folder_.Write("models/shapes/model_index.json", "{}");
  EXPECT_FALSE(Found("build/release/bin/sheaf-torch-worker").ok())
      << "no source tree";
  folder_.Write("CMakeLists.txt", "");
  EXPECT_EQ(*Found("build/release/bin/sheaf-torch-worker"),
            folder_.path() + "/models");
}

TEST_F(ShippedModelsTest, WhereThereAreNoneThePlacesAreNamed) {
  folder_.Write("usr/share/sheaf/models/README.md", "no model");
  const auto found = Found("usr/bin/sheaf-torch-worker");
  ASSERT_EQ(found.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(found.status().message()),
              HasSubstr(folder_.path() + "/usr/share/sheaf/models"));
}

}  // namespace
}  // namespace sheaf::worker
