#include "batching/continuous/turn_order.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/batching/builders.h"

namespace sheaf::batching {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> OwnersInOrder(const RowSet& set) {
  std::vector<std::string> owners;
  for (const Row& row : set.rows) owners.push_back(set.owners[row.owner]);
  return owners;
}

std::vector<std::string> Sorted(const std::vector<RunSpec>& runs,
                                const Turns& turns = {}) {
  RowSet set = MakeRows(runs);
  const CostModel model(&set.shapes, FastDevice());
  SortByTurns(turns, model, &set);
  return OwnersInOrder(set);
}

std::vector<RunSpec> Of(const std::string& owner, int runs, int64_t time_ms) {
  std::vector<RunSpec> specs;
  for (int i = 0; i < runs; ++i) {
    specs.push_back(
        {.job = time_ms + i + 1, .time_ms = time_ms + i, .owner = owner});
  }
  return specs;
}

std::vector<RunSpec> operator+(std::vector<RunSpec> a,
                               const std::vector<RunSpec>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(TurnOrderTest, OwnersTakeTurnsHoweverMuchOneQueued) {
  EXPECT_THAT(Sorted(Of("ann", 4, 0) + Of("bob", 2, 10)),
              ElementsAre("ann", "bob", "ann", "bob", "ann", "ann"));
}

TEST(TurnOrderTest, WhoHasHadMoreComesLater) {
  Turns turns;
  turns.state.clock_ms = {{"ann", 1e9}};
  EXPECT_THAT(Sorted(Of("ann", 2, 0) + Of("bob", 2, 10), turns),
              ElementsAre("bob", "bob", "ann", "ann"));
}

TEST(TurnOrderTest, AWeightIsAShareOfTheTurns) {
  Turns turns;
  turns.options.weights = {{"ann", 2}};
  EXPECT_THAT(Sorted(Of("ann", 4, 0) + Of("bob", 2, 10), turns),
              ElementsAre("ann", "bob", "ann", "ann", "bob", "ann"));
}

TEST(TurnOrderTest, APriorityGoesBeforeEveryTurn) {
  std::vector<RunSpec> urgent = Of("ann", 2, 20);
  for (RunSpec& run : urgent) run.priority = Priority::kUrgent;
  EXPECT_THAT(Sorted(Of("ann", 1, 0) + Of("bob", 2, 10) + urgent),
              ElementsAre("ann", "ann", "bob", "bob", "ann"));
}

TEST(TurnOrderTest, OneOwnersRunsStayInTheirOrder) {
  const std::vector<RunSpec> runs = Of("ann", 3, 0) + Of("bob", 3, 1);
  RowSet set = MakeRows(runs);
  const CostModel model(&set.shapes, FastDevice());
  SortByTurns({}, model, &set);
  int64_t last = 0;
  for (const Row& row : set.rows) {
    if (set.owners[row.owner] != "ann") continue;
    EXPECT_GE(row.time, last);
    last = row.time;
  }
}

}  // namespace
}  // namespace sheaf::batching
