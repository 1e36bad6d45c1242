#include "server/scheduling/offers.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/scheduling/work.h"

namespace sheaf::server {
namespace {

using batching::Capability;
using ::testing::ElementsAre;
using ::testing::SizeIs;

CatalogModel ModelOf(const std::string& name, int64_t side, int64_t steps) {
  CatalogModel model;
  model.name = name;
  model.facts.defaults.width = model.facts.defaults.height = side;
  model.facts.defaults.steps = steps;
  return model;
}

class OffersTest : public ::testing::Test {
 protected:
  // A worker that tells of these models, the first of which is its default.
  WorkerInfo& Add(std::vector<CatalogModel> models) {
    WorkerInfo& worker = workers_.emplace_back();
    worker.lessee.id = WorkerId{static_cast<int64_t>(workers_.size())};
    worker.lessee.device = "gpu";
    std::vector<std::string> names;
    Catalog catalog;
    for (CatalogModel& model : models) {
      model.is_default = names.empty();
      names.push_back(model.name);
      catalog.models.emplace(model.name, model);
    }
    worker.lessee.models = names;
    worker.models = TableOf(catalog);
    worker.catalog = std::make_shared<Catalog>(std::move(catalog));
    return worker;
  }
  // A worker that tells nothing.
  void AddSilent(const Names& kinds, const Names& models) {
    WorkerInfo& worker = workers_.emplace_back();
    worker.lessee.id = WorkerId{static_cast<int64_t>(workers_.size())};
    worker.lessee.kinds = kinds;
    worker.lessee.models = models;
  }
  batching::ModelFacts Common(const std::string& model) {
    return CommonModels(workers_, prices_)->Of(model);
  }

  std::vector<WorkerInfo> workers_;
  PricesBoard prices_{Flat()};
};

TEST_F(OffersTest, WhatOneWorkerTellsIsKnown) {
  Add({ModelOf("shapes", 64, 20), ModelOf("xl", 1024, 30)});
  EXPECT_EQ(CommonModels(workers_, prices_)->default_model(), "shapes");
  EXPECT_EQ(Common("").defaults.model, "shapes");
  EXPECT_EQ(Common("").defaults.width, 64);
  EXPECT_EQ(Common("xl").defaults.width, 1024);
  EXPECT_EQ(Common("another").defaults, RunParams());
}

TEST_F(OffersTest, WorkersThatDifferLeaveADefaultOpen) {
  Add({ModelOf("shapes", 64, 20)});
  Add({ModelOf("shapes", 64, 25)});
  EXPECT_EQ(Common("").defaults.width, 64);
  EXPECT_FALSE(Common("").defaults.steps.has_value());
  Add({ModelOf("xl", 1024, 30), ModelOf("shapes", 64, 20)});
  EXPECT_FALSE(Common("").defaults.width.has_value())
      << "nobody knows which model it will be";
  EXPECT_EQ(Common("shapes").defaults.width, 64);
  workers_[2].draining = true;
  EXPECT_EQ(Common("").defaults.width, 64);
}

TEST_F(OffersTest, AWorkerThatTellsNothingLeavesItsModelsOpen) {
  Add({ModelOf("shapes", 64, 20)});
  AddSilent({"swatch"}, {});
  EXPECT_EQ(Common("").defaults.width, 64) << "it does another kind of work";
  AddSilent({"inference"}, {"xl"});
  EXPECT_EQ(Common("shapes").defaults.width, 64);
  EXPECT_FALSE(Common("").defaults.width.has_value());
  AddSilent({}, {});
  EXPECT_FALSE(Common("shapes").defaults.width.has_value());
}

TEST_F(OffersTest, AModelIsAsAbleAsOnTheLeastAbleWorker) {
  CatalogModel model = ModelOf("shapes", 64, 20);
  Add({model});
  EXPECT_EQ(Common("shapes").capability, Capability::kFull);
  model.facts.capability = Capability::kMultiImage;
  Add({model});
  EXPECT_EQ(Common("shapes").capability, Capability::kMultiImage);
  // The first worker's self-test has failed.
  batching::Profile profile = Flat();
  profile.alone = true;
  prices_.Measured({"gpu", "shapes", 64, 64}, profile);
  EXPECT_EQ(Common("shapes").capability, Capability::kDisabled);
}

TEST_F(OffersTest, WhatIsSaidOfAnyModelHoldsForThoseThatAreNamed) {
  CatalogModel any = ModelOf("*", 0, 20);
  any.facts.defaults.width = any.facts.defaults.height = {};
  Add({any}).lessee.models = {};
  EXPECT_EQ(Common("whatever").defaults.steps, 20);
  EXPECT_FALSE(Common("").defaults.model.has_value());
  Add({ModelOf("shapes", 64, 20)});
  EXPECT_EQ(Common("shapes").defaults.steps, 20);
  EXPECT_FALSE(Common("shapes").defaults.width.has_value());
}

TEST_F(OffersTest, TogetherTheyHaveWhatEitherHas) {
  CatalogModel model = ModelOf("shapes", 64, 20);
  model.controls = {"edge"};
  Add({model});
  model.controls = {"seg"};
  model.facts.defaults.steps = 30;
  WorkerInfo& second = Add({model});
  Catalog catalog = *second.catalog;
  catalog.samplers = {"Euler"};
  second.catalog = std::make_shared<Catalog>(std::move(catalog));
  AddSilent({}, {"mystery"});
  const OfferedTogether together = OfferedBy(workers_, prices_);
  ASSERT_THAT(together.models, SizeIs(2));
  EXPECT_EQ(together.models[0].model.name, "mystery");
  const OfferedModel& shapes = together.models[1];
  EXPECT_THAT(shapes.model.controls, ElementsAre("edge", "seg"));
  EXPECT_THAT(shapes.workers, ElementsAre(WorkerId{1}, WorkerId{2}));
  EXPECT_EQ(shapes.model.facts.defaults.width, 64);
  EXPECT_FALSE(shapes.model.facts.defaults.steps.has_value());
  EXPECT_TRUE(shapes.model.is_default);
  EXPECT_THAT(together.samplers, ElementsAre("Euler"));
}

}  // namespace
}  // namespace sheaf::server
