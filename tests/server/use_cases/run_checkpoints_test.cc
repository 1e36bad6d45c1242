#include "server/use_cases/run_checkpoints.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/jobs.h"
#include "queue/queues.h"
#include "server/blobs/artifact_budget.h"
#include "tests/base/temp_folder.h"
#include "tests/queue/builders.h"
#include "tests/queue/memory_store.h"
#include "tests/queue/stores.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RunCheckpointsTest : public ::testing::Test {
 protected:
  RunCheckpointsTest() {
    checkpoints_ = CheckpointStore::Open(directory_, {}).value();
    Write(store_, [](Tx& tx) {
      EnsureDefaultQueue(tx);
      return true;
    });
    job_ = Write(store_,
                 [](Tx& tx) { return Submit(tx, MakeJob({.runs = Runs(2)})); })
               .value()
               .job.id;
  }

  RunId At(int index) const { return RunId(job_, index); }
  // Keeps a checkpoint for the request that `params` is.
  void Save(RunId run, int step, const RunParams& params = {}) {
    ASSERT_TRUE(checkpoints_
                    ->Save({.run = run,
                            .epoch = 1,
                            .step = step,
                            .request = RequestDigest(params),
                            .bytes = "state"})
                    .ok());
  }

  const TempFolder temp_;
  const std::string directory_ = temp_.path();
  TestClock clock_;
  MemoryStore store_{&clock_};
  std::unique_ptr<CheckpointStore> checkpoints_;
  JobId job_;
};

TEST_F(RunCheckpointsTest, ARunGoesOnFromTheStepThatIsSavedForItsRequest) {
  const Leased leased = Write(store_, [](Tx& tx) {
                          return Lease(tx, MakeWorker(), kLease);
                        }).leased.value();
  EXPECT_THAT(SavedSteps(*checkpoints_, leased), ElementsAre(0, 0));
  Save(At(0), 7, leased.runs[0].params);
  Save(At(1), 9, /*another request*/ {});
  EXPECT_THAT(SavedSteps(*checkpoints_, leased), ElementsAre(7, 0));
}

TEST_F(RunCheckpointsTest, ACommitThatEndsARunRemovesItsCheckpoint) {
  ArtifactBudget budget(0, [] { return DiskSpace(); });
  auto files =
      ArtifactLibrary::Open(ArtifactStore::Open(directory_, {}).value(),
                            &store_, &budget)
          .value();
  Save(At(0), 7);
  Save(At(1), 9);
  Committed committed;
  committed.events.push_back(
      {.type = EventType::kRunsChanged,
       .runs = {{At(0), RunState::kFailed, 1}, {At(1), RunState::kQueued, 1}}});
  RemoveEnded(checkpoints_.get(), files.get(), committed);
  files.reset();  // waits for its threads
  EXPECT_THAT(checkpoints_->Runs(), ElementsAre(At(1)));
}

TEST_F(RunCheckpointsTest, ASweepKeepsThoseOfRunsThatWaitOrRun) {
  Save(At(0), 7);
  Save(At(1), 9);
  Save(RunId(JobId{999}, 0), 3);  // never was
  Write(store_, [&](Tx& tx) { return CancelRun(tx, At(1), {}).ok(); });
  ASSERT_TRUE(SweepCheckpoints(store_, *checkpoints_).ok());
  EXPECT_THAT(checkpoints_->Runs(), ElementsAre(At(0)));
  Write(store_, [](Tx& tx) {
    return Lease(tx, MakeWorker(), kLease).leased.has_value();
  });
  ASSERT_TRUE(SweepCheckpoints(store_, *checkpoints_).ok());
  EXPECT_THAT(checkpoints_->Runs(), ElementsAre(At(0)));
  Write(store_, [&](Tx& tx) {
    EndLeasesOf(tx, WorkerId{1}, LeaseEnd::kHandedBack);
    return CancelRun(tx, At(0), {}).ok();
  });
  ASSERT_TRUE(SweepCheckpoints(store_, *checkpoints_).ok());
  EXPECT_THAT(checkpoints_->Runs(), IsEmpty());
}

}  // namespace
}  // namespace sheaf::server
