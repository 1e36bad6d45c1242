#include "server/scheduling/able_workers.h"

#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

class AbleWorkersTest : public ::testing::Test {
 protected:
  Lane LaneOf(const std::string& model, int64_t side = 0,
              const std::string& kind = "inference") {
    Lane lane;
    lane.id = LaneId{++lanes_};
    lane.queue = "default";
    lane.kind = kind;
    lane.model = model;
    lane.width = lane.height = side;
    return lane;
  }
  static Lessee Torch() {
    return {.kinds = {"inference"}, .models = {"shapes"}, .pixels_max = 100};
  }

  int64_t lanes_ = 0;
};

TEST_F(AbleWorkersTest, WhatOneOfThemTakesCanBeDone) {
  AbleWorkers workers({Torch(), {.kinds = {"upscale"}}});
  EXPECT_TRUE(workers.Take(LaneOf("shapes", 10)));
  EXPECT_TRUE(workers.Take(LaneOf("")));
  EXPECT_TRUE(workers.Take(LaneOf("esrgan", 4000, "upscale")));
  EXPECT_EQ(workers.Lacking(), "");
}

TEST_F(AbleWorkersTest, WhatTheyLackIsNamedAndCounted) {
  AbleWorkers workers({Torch()});
  const Lane shape = LaneOf("shape");
  EXPECT_FALSE(workers.Take(shape));
  EXPECT_FALSE(workers.Take(shape));
  EXPECT_FALSE(workers.Take(LaneOf("shapes", 11)));
  EXPECT_FALSE(workers.Take(LaneOf("shapes", 1, "upscale")));
  EXPECT_EQ(workers.Lacking(),
            "kind 'upscale' in queues/default (1 run), model 'shape' (2 runs), "
            "pictures of 11x11 (1 run)");
}

TEST_F(AbleWorkersTest, AFewAreNamedHoweverMuchIsLacking) {
  AbleWorkers workers({Torch()});
  for (int i = 0; i < 100; ++i) workers.Take(LaneOf("m" + std::to_string(i)));
  EXPECT_EQ(workers.Lacking(),
            "model 'm0' (1 run), model 'm1' (1 run), model 'm10' (1 run), "
            "model 'm11' (1 run) and 96 more");
}

TEST_F(AbleWorkersTest, WhereNobodyIsHereSomebodyMayCome) {
  AbleWorkers workers({});
  EXPECT_TRUE(workers.nobody());
  EXPECT_TRUE(workers.Take(LaneOf("shape")));
}

}  // namespace
}  // namespace sheaf::server
