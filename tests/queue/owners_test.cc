// The work that every owner has under way, and its limit.
#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class OwnersTest : public UseCaseTest {
 protected:
  std::vector<OwnerCounts> Owners() {
    return Read([](View& view) { return view.Owners(); });
  }
  absl::Status SubmitWithin(int64_t most, NewJob job) {
    return Write([&](Tx& tx) {
             return sheaf::Submit(tx, MakeJob(std::move(job)),
                                  {.owner_queued_max = most});
           })
        .status();
  }
};
SHEAF_FOR_ALL_STORES(OwnersTest);

TEST_P(OwnersTest, CountsFollowEveryRun) {
  EXPECT_THAT(Owners(), IsEmpty());
  Submit({.owner = "ann", .runs = Runs(3)});
  const Job bob = Submit({.owner = "bob", .runs = Runs(2)});
  EXPECT_THAT(Owners(),
              ElementsAre(OwnerCounts{"ann", 3, 0}, OwnerCounts{"bob", 2, 0}));
  const Leased leased = Lease();
  EXPECT_THAT(Owners(),
              ElementsAre(OwnerCounts{"ann", 0, 3}, OwnerCounts{"bob", 2, 0}));
  EXPECT_EQ(Write([](Tx& tx) { return tx.CountsOf("ann"); }).running, 3);
  ASSERT_TRUE(Finish(MakeReport(leased, HandedBack{})).ok());
  EXPECT_EQ(Owners()[0], (OwnerCounts{"ann", 3, 0}));
  EXPECT_TRUE(Write([&](Tx& tx) { return CancelJob(tx, bob.id, {}); }).ok());
  EXPECT_THAT(Owners(), ElementsAre(OwnerCounts{"ann", 3, 0}));
}

TEST_P(OwnersTest, AWriteThatFailsCountsNothing) {
  Submit({.owner = "ann"});
  const absl::Status status = WriteAndWait(*store_, [&](Tx& tx) {
    (void)sheaf::Submit(tx, MakeJob({.owner = "ann", .runs = Runs(5)}));
    (void)sheaf::Submit(tx, MakeJob({.owner = "bob"}));
    return absl::AbortedError("no");
  });
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(Owners(), ElementsAre(OwnerCounts{"ann", 1, 0}));
  EXPECT_EQ(Write([](Tx& tx) { return tx.CountsOf("bob"); }).queued, 0);
}

TEST_P(OwnersTest, ASubmitBeyondTheQuotaIsRefusedAsAWhole) {
  EXPECT_TRUE(SubmitWithin(4, {.owner = "ann", .runs = Runs(3)}).ok());
  EXPECT_THAT(SubmitWithin(4, {.owner = "ann", .runs = Runs(2)}),
              FailsWith(Reason::kOwnerQuota));
  EXPECT_THAT(Owners(), ElementsAre(OwnerCounts{"ann", 3, 0}));
  EXPECT_TRUE(SubmitWithin(4, {.owner = "bob", .runs = Runs(4)}).ok());
  EXPECT_TRUE(SubmitWithin(4, {.owner = "ann", .runs = Runs(1)}).ok());
  // A running run no longer counts against the limit.
  Lease();
  EXPECT_TRUE(SubmitWithin(4, {.owner = "ann", .runs = Runs(2)}).ok());
}

}  // namespace
}  // namespace sheaf
