#include "batching/rows/cost.h"

#include <map>
#include <random>

#include "batching/simulate/device.h"
#include "gtest/gtest.h"
#include "tests/base/seed.h"
#include "tests/batching/builders.h"

namespace sheaf::batching {
namespace {

// Computes the cost of docs/batching.md as plainly as possible, step by step.
double ByDefinition(const ShapeTable& shapes, const Profile& profile,
                    const std::vector<uint32_t>& classes, bool dense) {
  double time = profile.encode.At(static_cast<int>(classes.size()));
  for (int step = 0; step < 1000; ++step) {
    int live = 0;
    std::map<std::string, int> rows;
    for (const uint32_t id : classes) {
      const CostClass& cost = shapes.cost(id);
      if (step >= cost.steps) continue;
      live += cost.width;
      for (const ControlSpan& span : cost.controls) {
        if (step < span.first || step >= span.last) continue;
        rows[shapes.control(span.control)] += cost.width;
      }
    }
    if (live == 0) break;
    time += profile.Step(live);
    for (const auto& [control, n] : rows) {
      time += profile.Control(control).At(dense ? live : n);
    }
  }
  return time + static_cast<double>(classes.size()) * profile.decode.At(1);
}

class CostTest : public testing::Test {
 protected:
  CostTest() {
    profile_.controls["edge"] = {30, 5, 3};
    profile_.decode = {4, 9};
  }
  // A class with control windows, which MakeRows does not give.
  uint32_t RandomClass(ShapeTable& shapes) {
    RunParams params = ParamsOf(RandomRun(random_, 1));
    for (Control& control : params.controls) {
      control.start = (random_() % 3) * 0.2;
      control.end = 1 - (random_() % 3) * 0.2;
    }
    return shapes.shape(shapes.Intern(params)).cost;
  }

  const uint32_t seed_ = TestSeed();
  std::mt19937 random_{seed_};
  Profile profile_ = FastDevice();
};

TEST_F(CostTest, ABatchCostsWhatItsStepsCost) {
  for (int round = 0; round < 300; ++round) {
    ShapeTable shapes;
    std::vector<uint32_t> classes;
    const int n = 1 + static_cast<int>(random_() % 12);
    for (int i = 0; i < n; ++i) classes.push_back(RandomClass(shapes));
    const CostModel model(&shapes, profile_);
    EXPECT_NEAR(model.Batch(classes),
                ByDefinition(shapes, profile_, classes, false), 1e-6)
        << "seed " << seed_;
    EXPECT_NEAR(model.Batch(classes, Computation::kDense),
                ByDefinition(shapes, profile_, classes, true), 1e-6)
        << "seed " << seed_;
    const std::vector<uint32_t> alike(n, classes[0]);
    EXPECT_NEAR(model.Alike(classes[0], n), model.Batch(alike), 1e-6);
    EXPECT_LE(model.ShareAtLeast(classes[0], n), model.Batch(alike) / n + 1e-6);
  }
}

TEST_F(CostTest, CorrectionScalesEverything) {
  ShapeTable shapes;
  const std::vector<uint32_t> classes = {RandomClass(shapes),
                                         RandomClass(shapes)};
  const CostModel plain(&shapes, profile_);
  const CostModel corrected(&shapes, profile_, 1.25);
  EXPECT_NEAR(corrected.Batch(classes), 1.25 * plain.Batch(classes), 1e-6);
}

TEST_F(CostTest, EachKindOfWorkHasItsOwnPrices) {
  const RowSet set = MakeRows({{.job = 1, .model = "small", .controls = {}},
                               {.job = 2, .model = "large", .controls = {}},
                               {.job = 3, .model = "small", .width = 64}});
  ASSERT_EQ(set.shapes.works(), 3u);
  Profile large = profile_;
  large.step = {1000, 0, 0};
  large.swap = 77;
  const auto priced = [&](const std::string& model) {
    return model == "large" ? large : profile_;
  };
  std::vector<Profile> profiles;
  for (uint32_t i = 0; i < set.shapes.works(); ++i) {
    profiles.push_back(priced(set.shapes.work(i).model));
  }
  const CostModel model(&set.shapes, profiles);
  for (const Row& row : set.rows) {
    const Shape& shape = set.shapes.shape(row.shape);
    const BatchKey& key = set.shapes.key(shape.key);
    const CostModel alone(&set.shapes, priced(key.model));
    const std::vector<uint32_t> two(2, shape.cost);
    EXPECT_EQ(model.Batch(two), alone.Batch(two));
    EXPECT_EQ(model.Alike(shape.cost, 3), alone.Alike(shape.cost, 3));
    EXPECT_EQ(model.ShareAtLeast(shape.cost, 3),
              alone.ShareAtLeast(shape.cost, 3));
    EXPECT_EQ(model.Step(2, key.work), alone.Step(2));
    EXPECT_EQ(model.profile(key.work).swap, alone.profile().swap);
  }
}

TEST_F(CostTest, NoRowsCostNothing) {
  ShapeTable shapes;
  EXPECT_EQ(CostModel(&shapes, profile_).Batch({}), 0);
}

TEST_F(CostTest, TheVirtualDeviceTakesWhatTheModelSays) {
  for (int round = 0; round < 50; ++round) {
    const RowSet set = MakeRows(RandomRuns(random_, 3));
    for (const auto computation :
         {Computation::kGathered, Computation::kDense}) {
      const CostModel model(&set.shapes, profile_);
      VirtualDevice device(&set, &model, computation);
      std::vector<uint32_t> rows;
      std::vector<uint32_t> classes;
      for (uint32_t i = 0; i < set.rows.size(); ++i) {
        rows.push_back(i);
        classes.push_back(set.shapes.shape(set.rows[i].shape).cost);
      }
      device.Admit(rows);
      size_t ended = 0;
      while (device.live() > 0) ended += device.Step().size();
      EXPECT_EQ(ended, rows.size());
      EXPECT_NEAR(device.gpu_ms(), model.Batch(classes, computation), 1e-6)
          << "seed " << seed_;
    }
  }
}

TEST_F(CostTest, ChangingTheModelTakesASwap) {
  const RowSet set = MakeRows({{.job = 1}, {.job = 2, .model = "anime"}});
  const CostModel model(&set.shapes, profile_);
  VirtualDevice device(&set, &model, Computation::kGathered);
  for (const uint32_t row : {0u, 1u}) {
    const uint32_t rows[] = {row};
    device.Admit(rows);
    while (device.live() > 0) device.Step();
  }
  EXPECT_EQ(device.swaps(), 1);
  EXPECT_NEAR(device.now_ms(), device.gpu_ms() + profile_.swap, 1e-6);
}

}  // namespace
}  // namespace sheaf::batching
