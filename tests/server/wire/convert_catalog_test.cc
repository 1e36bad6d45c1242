#include "server/wire/convert_catalog.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

using batching::Capability;
using ::testing::ElementsAre;

pb::Catalog Told() {
  pb::Catalog catalog;
  pb::CatalogModel* model = catalog.add_models();
  model->set_name("shapes");
  model->set_family("StableDiffusionPipeline");
  model->set_is_default(true);
  model->mutable_defaults()->set_width(64);
  model->mutable_defaults()->set_sampler("Euler");
  model->add_controls("seg");
  model->add_controls("edge");
  model->add_tasks("text");
  model->set_batching(pb::BATCH_CAPABILITY_EQUAL_CONTROLS);
  catalog.add_models()->set_name("plain");
  catalog.add_models()->set_name("shapes");
  catalog.add_samplers("Euler");
  return catalog;
}

TEST(ConvertCatalogTest, AWorkersOfferIsTaken) {
  const Catalog catalog = FromProto(Told());
  EXPECT_EQ(catalog.models.size(), 2u);
  const CatalogModel& shapes = catalog.models.at("shapes");
  EXPECT_EQ(shapes.family, "StableDiffusionPipeline");
  EXPECT_TRUE(shapes.is_default);
  EXPECT_EQ(shapes.facts.defaults.width, 64);
  EXPECT_FALSE(shapes.facts.defaults.height.has_value());
  EXPECT_EQ(shapes.facts.capability, Capability::kMultiImage);
  EXPECT_THAT(shapes.controls, ElementsAre("edge", "seg"));
  EXPECT_EQ(catalog.models.at("plain").facts.capability, Capability::kFull);
  EXPECT_GT(catalog.bytes, 20);
}

TEST(ConvertCatalogTest, TheOffersOfAllReadAsTheyCame) {
  OfferedTogether together;
  together.samplers = {"Euler"};
  for (const auto& [name, model] : FromProto(Told()).models) {
    together.models.push_back({model, {WorkerId{3}}});
  }
  pb::GetCatalogResponse out;
  ToProto(together, 1 << 20, &out);
  ASSERT_EQ(out.models_size(), 2);
  const pb::CatalogModel& shapes = out.models(1).model();
  EXPECT_EQ(shapes.name(), "shapes");
  EXPECT_EQ(shapes.defaults().width(), 64);
  EXPECT_EQ(shapes.batching(), pb::BATCH_CAPABILITY_EQUAL_CONTROLS);
  EXPECT_THAT(shapes.controls(), ElementsAre("edge", "seg"));
  EXPECT_THAT(out.models(1).workers(), ElementsAre("workers/3"));
  EXPECT_THAT(out.samplers(), ElementsAre("Euler"));
}

TEST(ConvertCatalogTest, ModelsThatNoAnswerHoldsAreCounted) {
  OfferedTogether together;
  for (int i = 0; i < 10; ++i) {
    together.models.emplace_back().model.name = std::string(100, 'm');
  }
  pb::GetCatalogResponse out;
  ToProto(together, 500, &out);
  EXPECT_GT(out.models_size(), 1);
  EXPECT_LE(out.ByteSizeLong(), 520u);
  EXPECT_EQ(out.models_size() + out.models_left_out(), 10);
}

}  // namespace
}  // namespace sheaf::server
