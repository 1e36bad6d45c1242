#include "batching/plan/planner.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "batching/plan/timeline.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/base/seed.h"
#include "tests/batching/builders.h"

namespace sheaf::batching {
namespace {

using testing::ElementsAre;

std::vector<RunSpec> Alike(int count, RunSpec spec = {}) {
  return std::vector<RunSpec>(count, spec);
}

std::vector<RunSpec> Joined(std::vector<RunSpec> a,
                            const std::vector<RunSpec>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Plan PlanBy(const RowSet& set, Policy policy, PlanOptions options = {}) {
  const CostModel model(&set.shapes, FastDevice());
  return MakePlan(set, model, policy, options);
}

std::vector<int> GreedySizes(int runs, int batch_size) {
  return SizesOf(PlanBy(MakeRows(Alike(runs)), Policy::kStrictGreedy,
                        {.batch_size = batch_size}));
}

// The documented examples of the queue from which Sheaf grew.
TEST(PlannerTest, GreedyFillsBatchesInOrder) {
  EXPECT_THAT(GreedySizes(5, 4), ElementsAre(4, 1));
  EXPECT_THAT(GreedySizes(5, 2), ElementsAre(2, 2, 1));
  EXPECT_THAT(GreedySizes(8, 3), ElementsAre(3, 3, 2));
  EXPECT_THAT(GreedySizes(10, 4), ElementsAre(4, 4, 2));
}

TEST(PlannerTest, EdgeAndDepthAreApartInStrictAndTogetherInMixed) {
  const RowSet set =
      MakeRows(Joined(Alike(3, {.controls = {{"edge", 0.5}}}),
                      Alike(2, {.job = 2, .controls = {{"depth", 0.7}}})));
  EXPECT_THAT(SizesOf(PlanBy(set, Policy::kStrictGreedy, {.batch_size = 8})),
              ElementsAre(3, 2));
  const Plan mixed = PlanBy(set, Policy::kMixedGreedy, {.batch_size = 8});
  EXPECT_THAT(SizesOf(mixed), ElementsAre(5));
  EXPECT_THAT(ControlTypes(set, mixed, mixed.batches[0]),
              ElementsAre("depth", "edge"));
  EXPECT_THAT(JobsOf(set, mixed, mixed.batches[0]),
              ElementsAre(JobId{1}, JobId{2}));
}

TEST(PlannerTest, DifferentStepsAreNeverTogetherInStrict) {
  const RowSet set = MakeRows(
      Joined(Alike(2, {.steps = 20}), Alike(2, {.job = 2, .steps = 25})));
  for (const Policy policy :
       {Policy::kStrictGreedy, Policy::kStrictOptimal, Policy::kMixedGreedy}) {
    EXPECT_THAT(SizesOf(PlanBy(set, policy)), ElementsAre(2, 2));
  }
}

TEST(PlannerTest, ZeroWeightsAreNoPartOfTheSignature) {
  const RowSet set =
      MakeRows(Joined(Alike(2, {.controls = {{"edge", 0.5}, {"depth", 0.0}}}),
                      Alike(2, {.job = 2, .controls = {{"edge", 0.9}}})));
  const Plan plan = PlanBy(set, Policy::kStrictGreedy);
  EXPECT_THAT(SizesOf(plan), ElementsAre(4));
  EXPECT_THAT(ControlTypes(set, plan, plan.batches[0]), ElementsAre("edge"));
}

TEST(PlannerTest, OtherKindsAreFilteredOut) {
  const RowSet set = MakeRows({{.job = 1},
                               {.job = 2, .kind = "enhancement"},
                               {.job = 3, .kind = "upscale"},
                               {.job = 4, .kind = "batch_inference"}});
  EXPECT_THAT(SizesOf(PlanBy(set, Policy::kStrictGreedy)), ElementsAre(2));
  EXPECT_EQ(set.unplanned.at(Unplanned::kKind), 2);
}

TEST(PlannerTest, TheSeedIsNoPartOfTheKeyUnlessAskedFor) {
  const RowSet set = MakeRows({{.seed = 1}, {.seed = 2}, {.seed = 1}});
  EXPECT_THAT(SizesOf(PlanBy(set, Policy::kStrictGreedy)), ElementsAre(3));
  PolicySpec conservative = SpecOf(Policy::kStrictGreedy);
  conservative.grouping.seed = true;
  const CostModel model(&set.shapes, FastDevice());
  EXPECT_THAT(SizesOf(MakePlan(set, model, conservative, {})),
              ElementsAre(2, 1));
}

TEST(PlannerTest, ModesAndSignaturesChooseTheRules) {
  const RowSet set = MakeRows({{.steps = 20, .seed = 1},
                               {.job = 2, .steps = 25, .seed = 1},
                               {.job = 3, .steps = 25, .seed = 2}});
  const CostModel model(&set.shapes, FastDevice());
  const auto sizes = [&](Mode mode, bool greedy, Signature signature) {
    return SizesOf(
        MakeBestPlan(set, model, RulesFor(mode, greedy, signature), {}));
  };
  for (const bool greedy : {false, true}) {
    EXPECT_THAT(sizes(Mode::kStrict, greedy, Signature::kMinimal),
                ElementsAre(1, 2));
    EXPECT_THAT(sizes(Mode::kStrict, greedy, Signature::kConservative),
                ElementsAre(1, 1, 1));
    EXPECT_THAT(sizes(Mode::kMixed, greedy, Signature::kConservative),
                ElementsAre(1, 1, 1));
  }
  EXPECT_THAT(sizes(Mode::kMixed, false, Signature::kMinimal), ElementsAre(3));
  EXPECT_THAT(sizes(Mode::kBest, false, Signature::kMinimal), ElementsAre(3));
}

TEST(PlannerTest, NaturalBatchesAreChunksOfOneJob) {
  const RowSet set =
      MakeRows(Joined(Alike(5, {.job = 1}), Alike(2, {.job = 2})));
  EXPECT_THAT(SizesOf(PlanBy(set, Policy::kNatural)), ElementsAre(4, 1, 2));
}

TEST(PlannerTest, BatchesSayWhyTheyEnd) {
  ShapeTable::Options options;
  options.models = std::make_shared<ModelTable>(
      "", std::map<std::string, ModelFacts>{
              {"solo", {.capability = Capability::kDisabled}}});
  const RowSet set = MakeRows(
      Joined(Alike(5), Alike(2, {.job = 2, .model = "solo"})), options);
  const Plan plan = PlanBy(set, Policy::kStrictGreedy);
  std::vector<BatchEnd> ends;
  for (const PlannedBatch& batch : plan.batches) ends.push_back(batch.end);
  EXPECT_THAT(ends, ElementsAre(BatchEnd::kSize, BatchEnd::kLast,
                                BatchEnd::kAlone, BatchEnd::kAlone));
  PlanOptions tight = {.batch_size = 8};
  tight.rows_max = [](const BatchKey&) { return 3; };
  const Plan small = PlanBy(MakeRows(Alike(4)), Policy::kStrictGreedy, tight);
  EXPECT_THAT(SizesOf(small), ElementsAre(3, 1));
  EXPECT_EQ(small.batches[0].end, BatchEnd::kMemory);
}

TEST(PlannerTest, NoBatchGoesPastTheKnee) {
  const RowSet set = MakeRows(Alike(12));
  const CostModel model(&set.shapes, SlowDevice());
  PlanOptions options = {.batch_size = 8};
  options.knee_share = 0.05;
  const int knee = (Knee(SlowDevice(), 16, 0.05) + 1) / 2;
  ASSERT_LT(knee, 8);
  const Plan plan = MakePlan(set, model, Policy::kBest, options);
  for (const int size : SizesOf(plan)) EXPECT_LE(size, knee);
}

TEST(PlannerTest, PrioritiesDoNotShareABatchUnlessAllowed) {
  const RowSet set = MakeRows({{.job = 1, .priority = Priority::kLow},
                               {.job = 2, .priority = Priority::kHigh},
                               {.job = 3, .priority = Priority::kLow}});
  const Plan apart = PlanBy(set, Policy::kBest);
  EXPECT_THAT(SizesOf(apart), ElementsAre(1, 2));
  EXPECT_EQ(apart.batches[0].priority, Priority::kHigh);
  PlanOptions options;
  options.across_priorities = true;
  const Plan together = PlanBy(set, Policy::kBest, options);
  EXPECT_THAT(SizesOf(together), ElementsAre(3));
  // A batch takes the highest priority among its members.
  EXPECT_EQ(together.batches[0].priority, Priority::kHigh);
}

TEST(PlannerTest, ABatchTakesTheEarliestPlaceOfItsMembers) {
  const RowSet set = MakeRows({{.job = 1, .steps = 40, .time_ms = 1},
                               {.job = 2, .model = "anime", .time_ms = 2},
                               {.job = 3, .steps = 40, .time_ms = 3}});
  const Plan plan = PlanBy(set, Policy::kBest);
  EXPECT_THAT(SizesOf(plan), ElementsAre(2, 1));
  EXPECT_THAT(plan.RowsOf(plan.batches[0]), ElementsAre(0u, 2u));
}

TEST(PlannerTest, ABatchWithADeadlineGoesFirst) {
  std::vector<RunSpec> runs = Alike(8, {.steps = 40});
  runs.push_back({.job = 2, .model = "anime", .deadline_ms = 100});
  const RowSet set = MakeRows(runs);
  const Plan plan = PlanBy(set, Policy::kBest);
  const CostModel model(&set.shapes, FastDevice());
  const Timeline timeline = TimelineOf(set, model, plan);
  EXPECT_GT(timeline.start_ms[8], 0);
  // After both batches of the other job, it would start too late.
  EXPECT_THAT(SizesOf(plan), ElementsAre(4, 1, 4));
}

TEST(PlannerTest, TheLoadedModelMayGoFirstForAWhile) {
  std::vector<RunSpec> runs;
  for (int i = 0; i < 8; ++i) {
    runs.push_back({.job = i + 1,
                    .model = i % 2 == 0 ? "base" : "anime",
                    .steps = i < 4 ? 20 : 40,
                    .time_ms = i});
  }
  const RowSet set = MakeRows(runs);
  PlanOptions options = {.batch_size = 1};
  EXPECT_EQ(PlanBy(set, Policy::kBest, options).swaps, 7);
  options.defer_max = absl::Hours(1);
  EXPECT_EQ(PlanBy(set, Policy::kBest, options).swaps, 1);
}

// The properties that hold for any queue under any policy.
class PlannerProperties : public testing::Test {
 protected:
  static uint32_t KeyOf(const RowSet& set, uint32_t row) {
    return set.shapes.shape(set.rows[row].shape).key;
  }

  // Every row occurs once; keys are never mixed; no batch is too large; costs
  // add up.
  void CheckPlan(const RowSet& set, const Plan& plan, int batch_size) {
    std::vector<uint32_t> seen(plan.order);
    std::sort(seen.begin(), seen.end());
    ASSERT_EQ(seen.size(), set.rows.size());
    for (uint32_t i = 0; i < seen.size(); ++i) ASSERT_EQ(seen[i], i);
    const PolicySpec& spec = SpecOf(plan.policy);
    double ms = 0;
    size_t rows = 0;
    for (const PlannedBatch& batch : plan.batches) {
      ASSERT_LE(static_cast<int>(batch.count), batch_size);
      rows += batch.count;
      ms += batch.ms;
      for (const uint32_t row : plan.RowsOf(batch)) {
        ASSERT_EQ(KeyOf(set, row), batch.key);
        ASSERT_EQ(set.rows[row].priority, batch.priority);
        const Shape& shape = set.shapes.shape(set.rows[row].shape);
        const Shape& first =
            set.shapes.shape(set.rows[plan.RowsOf(batch)[0]].shape);
        const Grouping& grouping = spec.grouping;
        EXPECT_TRUE(!grouping.signature || shape.signature == first.signature);
        EXPECT_TRUE(!grouping.settings || shape.settings == first.settings);
      }
    }
    EXPECT_EQ(rows, set.rows.size());
    EXPECT_NEAR(ms, plan.gpu_ms, 1e-6 * ms);
    // No batch waits behind one of lower priority.
    for (size_t i = 1; i < plan.batches.size(); ++i) {
      EXPECT_GE(plan.batches[i - 1].priority, plan.batches[i].priority);
    }
  }

  RowSet RandomSet(int jobs) {
    std::vector<RunSpec> runs = RandomRuns(random_, jobs);
    for (RunSpec& run : runs) {
      run.priority = static_cast<Priority>(1 + run.job % 4);
    }
    return MakeRows(runs);
  }

  const uint32_t seed_ = TestSeed();
  std::mt19937 random_{seed_};
};

TEST_F(PlannerProperties, NothingIsLostDuplicatedOrMixed) {
  for (int round = 0; round < 40; ++round) {
    SCOPED_TRACE(testing::Message() << "seed " << seed_ << " round " << round);
    const RowSet set = RandomSet(1 + static_cast<int>(random_() % 40));
    const int batch_size = 1 + static_cast<int>(random_() % 9);
    for (const PolicySpec& spec : PolicySpecs()) {
      const Plan plan = PlanBy(set, spec.policy, {.batch_size = batch_size});
      CheckPlan(set, plan, batch_size);
    }
  }
}

TEST_F(PlannerProperties, BestIsNoDearerThanStrictNorStrictThanSingles) {
  for (int round = 0; round < 40; ++round) {
    const RowSet set = RandomSet(1 + static_cast<int>(random_() % 40));
    const CostModel model(&set.shapes,
                          round % 2 == 0 ? FastDevice() : SlowDevice());
    const PlanOptions options = {.batch_size =
                                     1 + static_cast<int>(random_() % 9)};
    std::map<Policy, double> ms;
    for (const PolicySpec& spec : PolicySpecs()) {
      ms[spec.policy] = MakePlan(set, model, spec.policy, options).gpu_ms;
    }
    const double rounding = 1e-6;
    for (const auto& [policy, cost] : ms) {
      EXPECT_LE(ms[Policy::kBest], cost + rounding)
          << "seed " << seed_ << " " << SpecOf(policy).name;
    }
    EXPECT_LE(ms[Policy::kStrictOptimal], ms[Policy::kSingles] + rounding);
    EXPECT_LE(ms[Policy::kStrictOptimal], ms[Policy::kStrictGreedy] + rounding);
    EXPECT_GE(ms[Policy::kBest] + rounding,
              LowerBound(set, model, options.batch_size));
  }
}

TEST_F(PlannerProperties, NobodyEndsLaterThanFifoAllows) {
  int regrouped = 0;
  for (int round = 0; round < 60; ++round) {
    const RowSet set = RandomSet(2 + static_cast<int>(random_() % 60));
    Profile profile = round % 2 == 0 ? FastDevice() : SlowDevice();
    if (round % 3 == 0) profile.swap = 60'000;
    const CostModel model(&set.shapes, profile);
    PlanOptions options = {.batch_size = 8};
    const Plan fifo = MakePlan(set, model, Policy::kNatural, options);
    options.harm_max = absl::Seconds(random_() % 3 * 5);
    const Plan plan = MakePlan(set, model, Policy::kBest, options);
    CheckPlan(set, plan, 8);
    const Comparison comparison =
        Compare(set, TimelineOf(set, model, fifo), TimelineOf(set, model, plan),
                options.now);
    EXPECT_LE(comparison.worst_later_ms,
              absl::ToDoubleMilliseconds(options.harm_max) + 1e-3)
        << "seed " << seed_ << " round " << round;
    regrouped += plan.batches.size() < fifo.batches.size();
  }
  // A planner that changes nothing would pass the checks above, too.
  EXPECT_GT(regrouped, 15) << "seed " << seed_;
}

TEST_F(PlannerProperties, ThreadsMakeNoDifference) {
  std::vector<RunSpec> runs = RandomRuns(random_, 4'000);
  const RowSet set = MakeRows(runs);
  ASSERT_GE(set.rows.size(), 10'000u);
  const CostModel model(&set.shapes, FastDevice());
  const Plan one = MakePlan(set, model, Policy::kBest, {.threads = 1});
  const Plan two = MakePlan(set, model, Policy::kBest, {.threads = 2});
  EXPECT_EQ(one.order, two.order);
  EXPECT_EQ(SizesOf(one), SizesOf(two));
  EXPECT_EQ(one.gpu_ms, two.gpu_ms);
}

}  // namespace
}  // namespace sheaf::batching
