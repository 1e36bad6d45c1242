#include "batching/rows/model_table.h"

#include "batching/rows/rows.h"
#include "gtest/gtest.h"

namespace sheaf::batching {
namespace {

// Two models: "shapes", which is the default, and "large".
std::shared_ptr<const ModelTable> Models() {
  std::map<std::string, ModelFacts> models;
  models["shapes"].defaults.width = models["shapes"].defaults.height = 64;
  models["shapes"].defaults.steps = 20;
  models["shapes"].defaults.sampler = "Euler";
  models["large"].defaults.width = models["large"].defaults.height = 512;
  return std::make_shared<const ModelTable>("shapes", std::move(models));
}

TEST(ModelTableTest, TheDefaultModelGoesByBothNames) {
  const auto models = Models();
  EXPECT_EQ(&models->Of(""), &models->Of("shapes"));
  EXPECT_EQ(models->Of("").defaults.model, "shapes");
  EXPECT_EQ(models->Of("large").defaults.width, 512);
  EXPECT_EQ(models->Of("another").defaults, RunParams());
}

TEST(ModelTableTest, ARunThatSpellsOutDefaultsHasTheShapeOfOneThatDoesNot) {
  ShapeTable shapes({.models = Models()});
  const uint32_t plain = shapes.Intern({});
  RunParams spelled;
  spelled.model = "shapes";
  EXPECT_EQ(shapes.Intern(spelled), plain);
  spelled.width = spelled.height = 64;
  EXPECT_EQ(shapes.Intern(spelled), plain);
  spelled.steps = 20;
  spelled.sampler = "Euler";
  EXPECT_EQ(shapes.Intern(spelled), plain);
  spelled.width = 128;
  EXPECT_NE(shapes.Intern(spelled), plain);
}

TEST(ModelTableTest, EachModelHasDefaultsOfItsOwn) {
  ShapeTable shapes({.models = Models()});
  RunParams large;
  large.model = "large";
  const uint32_t plain = shapes.Intern(large);
  EXPECT_EQ(shapes.key(shapes.shape(plain).key).width, 512);
  large.width = large.height = 64;
  EXPECT_NE(shapes.Intern(large), plain) << "64 is another model's default";
  large.width = large.height = 512;
  EXPECT_EQ(shapes.Intern(large), plain);
}

TEST(ModelTableTest, OnlyTheCommonDefaultsOfTwoWorkersAreKept) {
  RunParams one;
  one.width = 64;
  one.steps = 20;
  RunParams other = one;
  other.steps = 25;
  other.guidance = 3;
  KeepCommonDefaults(other, &one);
  EXPECT_EQ(one.width, 64);
  EXPECT_FALSE(one.steps.has_value());
  EXPECT_FALSE(one.guidance.has_value());
}

}  // namespace
}  // namespace sheaf::batching
