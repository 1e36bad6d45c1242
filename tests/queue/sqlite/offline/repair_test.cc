// Repair of databases whose counts and leases contradict their runs.
#include "queue/sqlite/offline/repair.h"

#include <functional>

#include "gmock/gmock.h"
#include "queue/error.h"
#include "queue/leasing/lease_ends.h"
#include "queue/queues.h"
#include "tests/queue/sqlite/store_fixture.h"

namespace sheaf {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RepairTest : public StoreTest {
 protected:
  // Two jobs of two runs; a worker holds those of the first.
  RepairTest() {
    Open();
    EXPECT_TRUE(Write([](Tx& tx) {
                  EnsureDefaultQueue(tx);
                  return absl::OkStatus();
                }).ok());
    job_ = Submit(2);
    EXPECT_TRUE(Write([this](Tx& tx) {
                  batch_ = LeaseFrom(tx, 2);
                  return absl::OkStatus();
                }).ok());
    Submit(2);
    EXPECT_THAT(Check(), IsEmpty());
  }

  // Changes the database by another connection, while no server runs.
  void Damage(const std::string& sql) {
    Close();
    SQLite::Database db(database(), SQLite::OPEN_READWRITE);
    db.exec("PRAGMA ignore_check_constraints = 1");
    db.exec(sql);
  }
  std::vector<std::string> Mend() {
    Close();
    auto lines = Repair(folder_.path(), absl::FromUnixMillis(clock_ms_));
    EXPECT_TRUE(lines.ok()) << lines.status();
    return lines.ok() ? *std::move(lines) : std::vector<std::string>();
  }
  std::vector<std::string> Check() {
    if (store_ == nullptr) Open();
    std::vector<std::string> problems;
    Signal checked;
    store_->CheckIntegrity(true, nullptr, [&](auto found) {
      EXPECT_TRUE(found.ok()) << found.status();
      if (found.ok()) problems = *std::move(found);
      checked.Notify();
    });
    checked.Wait();
    return problems;
  }
  RunState StateOf(RunId run) {
    RunState state{};
    EXPECT_TRUE(Read([&](View& view) {
                  state = view.FindRun(run).value().state;
                  return absl::OkStatus();
                }).ok());
    return state;
  }

  JobId job_;
  Batch batch_;
};

TEST_F(RepairTest, ASoundDatabaseStaysAsItIs) {
  EXPECT_THAT(Mend(), IsEmpty());
  EXPECT_THAT(Check(), IsEmpty());
  EXPECT_EQ(StateOf(RunId(job_, 0)), RunState::kRunning);
}

// One report of a run and its twin once left this state: all three counts agree
// on a number that is too low, and the batch still holds the running runs.
TEST_F(RepairTest, CountsThatRanAheadAreCountedAnew) {
  Damage(
      "UPDATE jobs SET n_running = 0, n_succeeded = 2 WHERE id = 1;"
      "UPDATE queues SET running = 0; UPDATE owners SET running = 0");
  const auto problems = Check();
  EXPECT_THAT(problems, Contains(HasSubstr("jobs/1")));
  EXPECT_THAT(problems, Contains(HasSubstr("queues/default")));
  EXPECT_THAT(problems, Contains(HasSubstr("owner ")));
  const auto lines = Mend();
  EXPECT_THAT(lines, SizeIs(3));
  EXPECT_THAT(Check(), IsEmpty());
  EXPECT_TRUE(Write([this](Tx& tx) {
                EndLease(tx, batch_.id, LeaseEnd::kDied);
                return absl::OkStatus();
              }).ok());
  EXPECT_EQ(StateOf(RunId(job_, 0)), RunState::kQueued);
}

TEST_F(RepairTest, AQueueThatIsGoneIsMadeAgain) {
  Damage("DELETE FROM queues");
  EXPECT_THAT(Check(), Contains(HasSubstr("queues/default")));
  Close();
  EXPECT_THAT(Mend(), Contains(HasSubstr("queues/default was missing")));
  EXPECT_THAT(Check(), IsEmpty());
}

TEST_F(RepairTest, RunsThatNoLeaseHoldsWaitAgain) {
  Damage("DELETE FROM batches");
  EXPECT_THAT(Check(), Contains(HasSubstr("jobs/1/runs/1")));
  EXPECT_THAT(Mend(), Contains(HasSubstr("2 runs of jobs/1")));
  EXPECT_THAT(Check(), IsEmpty());
  EXPECT_EQ(StateOf(RunId(job_, 1)), RunState::kQueued);
}

TEST_F(RepairTest, LeasesThatMakeNoSenseAreEnded) {
  for (const char* damage :
       {"UPDATE batches SET runs = '[1,'", "UPDATE batches SET runs = '[]'",
        R"(UPDATE batches SET runs = '{"a":131072,"b":131073}')",
        "UPDATE batches SET twins = '[131073]'",
        "UPDATE batches SET twins = '[131073,5]'",
        "UPDATE batches SET twins = '[5,131072]'",
        "UPDATE batches SET twins = '[131072,131073,131073,131072]'",
        "UPDATE batches SET epoch = epoch + 7",
        "UPDATE batches SET queue = 'nowhere'",
        "UPDATE batches SET twins = 'x'"}) {
    SCOPED_TRACE(damage);
    Damage(damage);
    EXPECT_THAT(Check(), Contains(HasSubstr(NameOf(batch_.id))));
    EXPECT_THAT(Mend(), Contains(HasSubstr(NameOf(batch_.id))));
    EXPECT_THAT(Check(), IsEmpty());
    EXPECT_EQ(StateOf(RunId(job_, 0)), RunState::kQueued);
    ASSERT_TRUE(Write([this](Tx& tx) {
                  batch_ = LeaseFrom(tx, 2);
                  return absl::OkStatus();
                }).ok());
  }
}

TEST_F(RepairTest, ATwinBesideTheRunThatMakesItsPictureIsSound) {
  Damage("UPDATE batches SET twins = '[131073,131072]'");
  EXPECT_THAT(Check(), IsEmpty());
  EXPECT_THAT(Mend(), IsEmpty());
}

TEST_F(RepairTest, TextsThatCannotBeReadAreLostAndTheirRunsAreHandedOut) {
  // An attempt with an error, of the first run.
  ASSERT_TRUE(Write([this](Tx& tx) {
                EndLease(tx, batch_.id, LeaseEnd::kDied);
                return absl::OkStatus();
              }).ok());
  const struct {
    const char* damage;
    const char* named;
  } kCases[] = {
      {"UPDATE runs SET error = '{' WHERE id = 131072",
       "the error of jobs/1/runs/0"},
      {"UPDATE runs SET error = '{\"class\":1}' WHERE id = 131073",
       "the error of jobs/1/runs/1"},
      {"UPDATE runs SET outputs = '[{}]' WHERE id = 131072",
       "the list of outputs of jobs/1/runs/0"},
      {"UPDATE attempts SET error = 'x' WHERE run_id = 131072",
       "the error of an attempt of jobs/1/runs/0"},
      {"UPDATE jobs SET labels = '[]' WHERE id = 1", "the labels of jobs/1"},
  };
  for (const auto& [damage, named] : kCases) {
    SCOPED_TRACE(damage);
    Damage(damage);
    EXPECT_THAT(Check(), ElementsAre(HasSubstr(named)));
    EXPECT_THAT(Mend(), ElementsAre(HasSubstr(named)));
    EXPECT_THAT(Check(), IsEmpty());
  }
  clock_ms_ += 3'600'000;
  EXPECT_TRUE(Read([this](View& view) {
                EXPECT_EQ(view.Attempts(RunId(job_, 0)).size(), 1u);
                EXPECT_TRUE(view.FindJob(job_)->labels.empty());
                return absl::OkStatus();
              }).ok());
  EXPECT_TRUE(Write([this](Tx& tx) {
                batch_ = LeaseFrom(tx, 4);
                FinishAll(tx, batch_);
                return absl::OkStatus();
              }).ok());
  EXPECT_EQ(StateOf(RunId(job_, 0)), RunState::kSucceeded);
  EXPECT_EQ(StateOf(RunId(job_, 1)), RunState::kSucceeded);
}

TEST_F(RepairTest, AServerThatRunsIsInTheWay) {
  const auto lines = Repair(folder_.path(), absl::FromUnixMillis(clock_ms_));
  EXPECT_EQ(ReasonOf(lines.status()), Reason::kDatabaseLocked);
  EXPECT_FALSE(Repair("/nowhere", absl::Now()).ok());
}

}  // namespace
}  // namespace sheaf
