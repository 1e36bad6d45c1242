#include "server/process/recovery.h"

#include "gtest/gtest.h"
#include "queue/queues.h"
#include "tests/queue/builders.h"
#include "tests/queue/memory_store.h"
#include "tests/queue/stores.h"

namespace sheaf::server {
namespace {

class RecoveryTest : public ::testing::Test {
 protected:
  Leased LeaseOne() {
    return Write(store_, [](Tx& tx) {
      EnsureDefaultQueue(tx);
      (void)Submit(tx, MakeJob({.runs = Runs(1)}));
      return Lease(tx, MakeWorker(), kLease).leased.value_or(Leased());
    });
  }
  RunState StateOf(RunId run) {
    return Read(store_, [&](View& view) { return view.FindRun(run)->state; });
  }

  TestClock clock_;
  MemoryStore store_{&clock_};
};

TEST_F(RecoveryTest, TheNewestTimeIsThatOfTheNewestEvent) {
  EXPECT_EQ(NewestTime(store_), absl::InfinitePast());
  LeaseOne();
  const absl::Time then = clock_.now();
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(NewestTime(store_), then);
}

TEST_F(RecoveryTest, LeasesWithoutASecretAreHandedBack) {
  const Leased old = LeaseOne();
  const Leased held = LeaseOne();
  Write(store_, [&](Tx& tx) {
    Batch batch = *tx.FindBatch(old.batch.id);
    batch.secret.clear();
    tx.SaveBatch(batch);
    return true;
  });
  ASSERT_TRUE(HandBackUnheld(store_).ok());
  EXPECT_EQ(StateOf(old.runs[0].run.id), RunState::kQueued);
  EXPECT_EQ(StateOf(held.runs[0].run.id), RunState::kRunning);
}

}  // namespace
}  // namespace sheaf::server
