#include "batching/continuous/batch_forming.h"

#include <algorithm>
#include <numeric>

#include "batching/plan/planner.h"
#include "batching/simulate/joining.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/base/seed.h"
#include "tests/batching/builders.h"

namespace sheaf::batching {
namespace {

using testing::ElementsAre;

std::vector<uint32_t> AllOf(const RowSet& set) {
  std::vector<uint32_t> rows(set.rows.size());
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

// Runs of one key.
std::vector<RunSpec> OneModel(std::vector<RunSpec> runs) {
  for (RunSpec& run : runs) run.model = "base";
  return runs;
}

TEST(BatchFormingTest, TheOldestGoesWithThoseWhoFitIt) {
  std::vector<RunSpec> runs;
  for (int i = 0; i < 8; ++i) {
    runs.push_back({.job = i + 1, .steps = i % 2 == 0 ? 40 : 20, .time_ms = i});
  }
  const RowSet set = MakeRows(runs);
  const CostModel model(&set.shapes, FastDevice());
  EXPECT_THAT(FormBatch(set, model, AllOf(set), 4), ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(FormBatch(set, model, {}, 4), ElementsAre());
}

TEST(BatchFormingTest, TheOldestIsAlwaysAmongThem) {
  std::mt19937 random(TestSeed());
  for (int round = 0; round < 100; ++round) {
    const RowSet set = MakeRows(OneModel(RandomRuns(random, 12)));
    const CostModel model(&set.shapes, FastDevice());
    const int size = 1 + static_cast<int>(random() % 8);
    const auto batch = FormBatch(set, model, AllOf(set), size);
    ASSERT_FALSE(batch.empty());
    EXPECT_EQ(batch[0], 0u);
    EXPECT_LE(static_cast<int>(batch.size()), size);
    EXPECT_TRUE(std::is_sorted(batch.begin(), batch.end()));
  }
}

TEST(BatchFormingTest, TheCheaperOfTwoOrdersDecides) {
  // Ordered by steps, the two runs with a control come into different batches;
  // ordered by controls, into the same one. The controls cost the most here.
  Profile profile = FastDevice();
  profile.control = {1'000, 0, 0};
  const RowSet set =
      MakeRows({{.job = 1, .steps = 30, .controls = {{"a", 1}}},
                {.job = 2, .steps = 29, .time_ms = 1},
                {.job = 3, .steps = 28, .controls = {{"a", 1}}, .time_ms = 2},
                {.job = 4, .steps = 27, .time_ms = 3}});
  const CostModel model(&set.shapes, profile);
  EXPECT_THAT(FormBatch(set, model, AllOf(set), 2), ElementsAre(0, 2));
}

TEST(JoiningTest, ControlsKeepTogetherWhileTheLongestGoFirst) {
  const RowSet set =
      MakeRows({{.job = 1, .steps = 20, .controls = {{"a", 1}}},
                {.job = 2, .steps = 40, .time_ms = 1},
                {.job = 3, .steps = 30, .controls = {{"a", 1}}, .time_ms = 2}});
  const CostModel model(&set.shapes, FastDevice());
  const RowUnderWay live[] = {{0, 5}};
  const uint32_t waiting[] = {1, 2};
  EXPECT_THAT(ChooseJoining(set, model, live, waiting, 1, JoinRule::kControls),
              ElementsAre(2));
  EXPECT_THAT(ChooseJoining(set, model, live, waiting, 1, JoinRule::kLongest),
              ElementsAre(1));
  EXPECT_THAT(ChooseJoining(set, model, live, waiting, 9, JoinRule::kLongest),
              ElementsAre(1, 2));
}

TEST(JoiningTest, DrainingTakesNoLessThanTheBound) {
  std::mt19937 random(TestSeed());
  for (int round = 0; round < 30; ++round) {
    const RowSet set = MakeRows(OneModel(RandomRuns(random, 10)));
    const CostModel model(&set.shapes, FastDevice());
    for (const JoinRule rule : {JoinRule::kControls, JoinRule::kLongest}) {
      const double one = DrainTime(set, model, AllOf(set), 1, rule);
      const double eight = DrainTime(set, model, AllOf(set), 8, rule);
      EXPECT_GE(eight + 1e-6, LowerBound(set, model, 8));
      EXPECT_LT(eight, one);
      EXPECT_NEAR(one, MakePlan(set, model, Policy::kSingles, {}).gpu_ms,
                  1e-6 * one);
    }
  }
}

}  // namespace
}  // namespace sheaf::batching
