// Requests whose `extra` differs cannot step together: only the engine knows
// what its values mean.
#include "queue/leasing/lease.h"
#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

using testing::ElementsAre;

class LeaseExtraTest : public UseCaseTest {
 protected:
  LeaseExtraTest() { Configure({.batch_size = 8}); }

  // The next lease, as indices of its runs.
  std::vector<int> Indices() {
    std::vector<int> indices;
    for (const LeasedRun& member : Lease().runs) {
      indices.push_back(member.run.id.index());
    }
    return indices;
  }
};
SHEAF_FOR_ALL_STORES(LeaseExtraTest);

TEST_P(LeaseExtraTest, RunsWithAnotherExtraAreNotInTheNaturalBatch) {
  NewJob spec{.runs = Runs(4)};
  spec.shared.extra = {{"scale", "1"}};
  spec.runs[1].extra = {{"scale", "2"}};
  spec.runs[3].extra = {{"scale", "2"}};
  Submit(spec);
  EXPECT_THAT(Indices(), ElementsAre(0, 2));
  EXPECT_THAT(Indices(), ElementsAre(1, 3));
}

TEST_P(LeaseExtraTest, FieldsThatWereExtraOnceSplitNoBatchInEitherSpelling) {
  NewJob spec{.runs = Runs(4)};
  spec.shared.extra = {{"clip_skip", "1"}};
  spec.runs[1].extra = {{"clip_skip", "2"}};
  spec.runs[2].clip_skip = 2;
  spec.runs[3].random = RandomMode::kPhilox;
  Submit(spec);
  EXPECT_THAT(Indices(), ElementsAre(0, 1, 2, 3));
}

TEST_P(LeaseExtraTest, OrdersToTheSimulatedEngineSplitNoBatch) {
  NewJob spec{.runs = Runs(3)};
  spec.runs[1].extra = {{"sim.fault", "fail"}};
  Submit(spec);
  EXPECT_THAT(Indices(), ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace sheaf
