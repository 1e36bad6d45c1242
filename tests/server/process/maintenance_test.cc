#include "server/process/maintenance.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/jobs.h"
#include "queue/queues.h"
#include "queue/sqlite/sqlite_store.h"
#include "server/blobs/artifact_budget.h"
#include "tests/base/fake_steady_clock.h"
#include "tests/base/temp_folder.h"
#include "tests/queue/builders.h"
#include "tests/queue/stores.h"
#include "tests/queue/test_clock.h"

namespace sheaf::server {
namespace {

using ::testing::HasSubstr;

// A store on SQLite that refuses writes when it is told to.
class MoodyStore final : public Store {
 public:
  explicit MoodyStore(SqliteStore::Options options)
      : store_(SqliteStore::Open(std::move(options)).value()) {}

  std::atomic<bool> refuses = false;

 private:
  void StartWrite(WriteCase use_case, Done done, CallOptions options) override {
    if (refuses) {
      use_case = [](Tx&) { return absl::UnavailableError("no disk"); };
    }
    store_->Write(std::move(use_case), std::move(done), std::move(options));
  }
  void StartRead(ReadCase use_case, Done done, CallOptions options) override {
    store_->Read(std::move(use_case), std::move(done), std::move(options));
  }

  const std::unique_ptr<SqliteStore> store_;
};

// A thread of maintenance on a clock that the test turns.
class MaintenanceTest : public ::testing::Test {
 protected:
  MaintenanceTest() {
    wall_.Set(absl::Now());  // as the times of files are
    clock_ = std::make_unique<ServerClock>(
        absl::InfinitePast(),
        ClockSources{
            .wall = [this] { return wall_.now(); },
            .steady = [this] { return steady_.Now() - absl::UnixEpoch(); }});
    store_ = std::make_unique<MoodyStore>(SqliteStore::Options{
        .directory = directory_, .clock = [this] { return clock_->Now(); }});
    caretaker_ = std::make_unique<Caretaker>(store_.get());
    files_ = ArtifactLibrary::Open(
                 ArtifactStore::Open(directory_, {.allow_other_types = true})
                     .value(),
                 store_.get(), &budget_)
                 .value();
    checkpoints_ = CheckpointStore::Open(directory_, {}).value();
    Write(*store_, [](Tx& tx) { return EnsureDefaultQueue(tx), true; });
  }
  ~MaintenanceTest() override {
    thread_.reset();
    files_.reset();
    store_.reset();
  }

  void Start() {
    thread_ = std::make_unique<MaintenanceThread>(
        MaintenanceOptions{.store = store_.get(),
                           .clock = clock_.get(),
                           .caretaker = caretaker_.get(),
                           .artifacts = files_.get(),
                           .checkpoints = checkpoints_.get(),
                           .lease_duration = kLease,
                           .artifact_keep = absl::Hours(1),
                           .on_tick = [this] { ++ticks_; },
                           .steady = &steady_});
    ASSERT_TRUE(steady_.WaitForWaiters());
  }
  // So many seconds pass, with a round in each.
  void Pass(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      wall_.Advance(absl::Seconds(1));
      steady_.Advance(absl::Seconds(1));
      ASSERT_TRUE(steady_.WaitForWaiters());
    }
  }

  Leased LeaseOne() {
    return Write(*store_, [](Tx& tx) {
      (void)Submit(tx, MakeJob({.runs = Runs(1)}));
      return Lease(tx, MakeWorker(), kLease).leased.value_or(Leased());
    });
  }
  RunState StateOf(const Leased& leased) {
    return Read(*store_, [&](View& view) {
      return view.FindRun(leased.runs[0].run.id)->state;
    });
  }
  // An artifact that no job needs.
  std::string Upload() {
    auto upload = files_->BeginUpload().value();
    EXPECT_TRUE(upload->Append("picture").ok());
    std::string digest;
    absl::Notification added;
    files_->Finish(std::move(upload), "", "",
                   [&](const absl::StatusOr<Artifact>& artifact) {
                     if (artifact.ok()) digest = artifact->digest;
                     added.Notify();
                   },
                   {});
    added.WaitForNotification();
    return digest;
  }

  const TempFolder temp_ = TempFolder::InMemory();
  const std::string directory_ = temp_.path();
  TestClock wall_;
  FakeSteadyClock steady_;
  std::unique_ptr<ServerClock> clock_;
  ArtifactBudget budget_{0, [] { return DiskSpace(); }};
  std::unique_ptr<MoodyStore> store_;
  std::unique_ptr<Caretaker> caretaker_;
  std::unique_ptr<ArtifactLibrary> files_;
  std::unique_ptr<CheckpointStore> checkpoints_;
  std::atomic<int> ticks_ = 0;
  std::unique_ptr<MaintenanceThread> thread_;
};

TEST_F(MaintenanceTest, LeasesEndWhenTheirTimeHasCome) {
  const Leased leased = LeaseOne();
  Start();
  Pass(29);
  EXPECT_EQ(StateOf(leased), RunState::kRunning);
  Pass(2);
  EXPECT_EQ(StateOf(leased), RunState::kQueued);
  EXPECT_EQ(ticks_, 31);
}

TEST_F(MaintenanceTest, AClockThatGoesAheadEndsNoLease) {
  const Leased leased = LeaseOne();
  Start();
  wall_.Advance(absl::Minutes(10));
  Pass(1);
  EXPECT_EQ(clock_->Now(), wall_.now());
  EXPECT_EQ(StateOf(leased), RunState::kRunning);
  Pass(29);
  EXPECT_EQ(StateOf(leased), RunState::kRunning);
  Pass(2);
  EXPECT_EQ(StateOf(leased), RunState::kQueued);
}

TEST_F(MaintenanceTest, ArtifactsThatNobodyNeedsGoAfterTheirTime) {
  Start();
  const std::string digest = Upload();
  Pass(31);
  EXPECT_TRUE(files_->OpenReader(digest).ok()) << "it is new";
  wall_.Advance(absl::Hours(1));
  Pass(290);
  EXPECT_TRUE(files_->OpenReader(digest).ok()) << "it is not looked at yet";
  Pass(15);
  EXPECT_FALSE(files_->OpenReader(digest).ok());
}

TEST_F(MaintenanceTest, CheckpointsOfRunsThatAreGoneAreSwept) {
  const Leased leased = LeaseOne();
  const RunId kept = leased.runs[0].run.id;
  const RunId gone(JobId{1'000'000}, 0);
  for (const RunId run : {kept, gone}) {
    ASSERT_TRUE(checkpoints_->Save({run, 1, 5, "request", "state"}).ok());
  }
  Start();
  Pass(29);
  EXPECT_TRUE(checkpoints_->Has(gone));
  Pass(2);
  EXPECT_FALSE(checkpoints_->Has(gone));
  EXPECT_TRUE(checkpoints_->Has(kept));
}

TEST_F(MaintenanceTest, TellsOfRoundsThatFailOneAfterAnother) {
  Start();
  store_->refuses = true;
  Pass(2);
  EXPECT_EQ(thread_->Problem(), "");
  Pass(1);
  EXPECT_THAT(thread_->Problem(), HasSubstr("no disk"));
  store_->refuses = false;
  Pass(1);
  EXPECT_EQ(thread_->Problem(), "");
}

TEST_F(MaintenanceTest, StopsWithoutWaitingForItsNextRound) {
  Start();
  thread_->Stop();
  thread_->Stop();
  EXPECT_EQ(ticks_, 0);
}

}  // namespace
}  // namespace sheaf::server
