#include "server/scheduling/lease_waiters.h"

#include <string>
#include <vector>

#include "tests/queue/puppet.h"
#include "tests/server/scheduling/waiting_workers.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class LeaseWaitersTest : public WaitingWorkersTest {
 protected:
  LeaseWaitersTest() : WaitingWorkersTest(&policy_) {}

  // The answer to each wait, by its number: "nothing", "jobs/1 jobs/2", or the
  // reason of an error.
  LeaseWaiters::Answer Note(int number) {
    return [this, number](absl::StatusOr<std::optional<Leased>> answer) {
      std::string& text = answers_[number];
      if (!answer.ok()) {
        text = InfoOf(*ReasonOf(answer.status())).name;
      } else if (!answer->has_value()) {
        text = "nothing";
      } else {
        last_ = **answer;
        for (const LeasedRun& leased : (*answer)->runs) {
          text += (text.empty() ? "" : " ") + NameOf(leased.run.id.job());
        }
      }
    };
  }

  int64_t Wait(int number, Lessee who = {},
               absl::Duration wait = absl::Hours(1)) {
    return waiters_.Wait(MakeWorker(std::move(who)), clock_.now() + wait,
                         Note(number));
  }

  void SetPolicy(BatchPolicy policy) {
    Write(store_, [&](Tx& tx) {
      return UpdateQueue(tx, kDefaultQueue,
                         PatchOf(&QueueSettings::policy, policy), 0)
          .ok();
    });
  }
  // Submits and tells of it, as the server does.
  void Submit(NewJob job) {
    const int64_t runs = static_cast<int64_t>(job.runs.size());
    const auto made =
        Write(store_, [&](Tx& tx) { return sheaf::Submit(tx, MakeJob(job)); });
    ASSERT_TRUE(made.ok());
    Committed committed;
    const RunId first(made->job.id, 0);
    Write(store_, [&](Tx& tx) {
      const Lane lane = tx.FindLane(tx.FindRun(first)->lane);
      committed.ready.push_back({lane, runs, runs});
      return true;
    });
    waiters_.NoteCommit(committed);
  }
  void SubmitOne() { Submit({.runs = Runs(1)}); }
  // How many looks for work `what` brings about.
  template <class F>
  int64_t LooksOf(F what) {
    const int64_t before = waiters_.looks();
    what();
    return waiters_.looks() - before;
  }

  Puppet policy_;
  std::map<int, std::string> answers_;
  Leased last_;
};

TEST_F(LeaseWaitersTest, WorkThatWaitsIsAnsweredAtOnce) {
  SubmitOne();
  Wait(1);
  EXPECT_THAT(answers_, ElementsAre(Pair(1, "jobs/1")));
  EXPECT_EQ(last_.batch.worker, WorkerId{1});
  EXPECT_EQ(last_.batch.lease_expire_time, clock_.now() + kLease);
}

TEST_F(LeaseWaitersTest, ACallIsParkedUntilWorkComes) {
  Wait(1);
  EXPECT_THAT(answers_, IsEmpty());
  SubmitOne();
  EXPECT_THAT(answers_, ElementsAre(Pair(1, "jobs/1")));
}

TEST_F(LeaseWaitersTest, ASignalWithoutWorkAnswersNobody) {
  Wait(1);
  const int64_t looks = waiters_.looks();
  waiters_.Signal();
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_EQ(waiters_.looks(), looks + 1);
}

TEST_F(LeaseWaitersTest, OneRunGoesToOneOfManyThatWait) {
  Wait(1, {.id = WorkerId{1}});
  Wait(2, {.id = WorkerId{2}});
  SubmitOne();
  EXPECT_EQ(answers_.size(), 1u);
  SubmitOne();
  EXPECT_EQ(answers_.size(), 2u);
}

TEST_F(LeaseWaitersTest, ACommitWakesAsManyAsRunsCame) {
  for (int i = 1; i <= 5; ++i) Wait(i, {.id = WorkerId{i}});
  EXPECT_EQ(LooksOf([&] { SubmitOne(); }), 1);
  EXPECT_EQ(answers_.size(), 1u);
  // A batch takes all three.
  EXPECT_EQ(LooksOf([&] { Submit({.runs = Runs(3)}); }), 3);
  EXPECT_EQ(answers_.size(), 2u);
}

TEST_F(LeaseWaitersTest, OnlyWorkersThatServeTheRunsAreWoken) {
  Wait(1, {.id = WorkerId{1}, .models = {"a"}});
  Wait(2, {.id = WorkerId{2}, .models = {"b"}});
  NewJob job{.runs = Runs(1)};
  job.shared.model = "b";
  EXPECT_EQ(LooksOf([&] { Submit(job); }), 1);
  EXPECT_EQ(answers_.count(2), 1u);
}

TEST_F(LeaseWaitersTest, AWorkerThatHasTheModelIsWokenFirst) {
  for (int i = 1; i <= 3; ++i) Wait(i, {.id = WorkerId{i}});
  places_.SetLoaded(WorkerId{2}, "", "");
  EXPECT_EQ(LooksOf([&] { SubmitOne(); }), 1);
  EXPECT_EQ(answers_.count(2), 1u);
  EXPECT_EQ(LooksOf([&] { Submit({.runs = Runs(2)}); }), 2);
}

// The news were of one run, but more of them wait.
TEST_F(LeaseWaitersTest, AWorkerThatLeavesSomeWakesTheNext) {
  for (int i = 1; i <= 4; ++i) Wait(i, {.id = WorkerId{i}});
  policy_.share = 1;
  Write(store_, [](Tx& tx) {
    return sheaf::Submit(tx, MakeJob({.runs = Runs(2)})).ok();
  });
  EXPECT_EQ(LooksOf([&] { SubmitOne(); }), 3);
  EXPECT_EQ(answers_.size(), 3u);
}

TEST_F(LeaseWaitersTest, ARunThatIsLeftToABetterWorkerWakesThatOne) {
  Wait(1, {.id = WorkerId{1}});
  Wait(2, {.id = WorkerId{2}});
  policy_.next = 7;  // nobody begins
  policy_.better = WorkerId{2};
  EXPECT_EQ(LooksOf([&] { SubmitOne(); }), 2);
}

TEST_F(LeaseWaitersTest, ASignalWakesOneOfThoseThatServeTheSame) {
  for (int i = 1; i <= 3; ++i) Wait(i, {.id = WorkerId{i}});
  Wait(4, {.id = WorkerId{4}, .models = {"a"}});
  EXPECT_EQ(LooksOf([&] { waiters_.Signal(); }), 2);
  // And where there is more work, the next one.
  policy_.share = 1;
  Write(store_, [](Tx& tx) {
    return sheaf::Submit(tx, MakeJob({.runs = Runs(3)})).ok();
  });
  waiters_.Signal();
  EXPECT_EQ(answers_.size(), 3u);
}

TEST_F(LeaseWaitersTest, AWorkersWaitIsOneOfThePlaces) {
  Lane lane;
  Wait(1, {.id = WorkerId{1}});
  EXPECT_EQ(places_.Idle({}, lane, {}).size(), 1u);
  SubmitOne();
  EXPECT_THAT(places_.Idle({}, lane, {}), IsEmpty());
  const int64_t handle = Wait(2, {.id = WorkerId{2}});
  EXPECT_EQ(places_.Idle({}, lane, {}).size(), 1u);
  waiters_.Drop(handle);
  EXPECT_THAT(places_.Idle({}, lane, {}), IsEmpty());
}

TEST_F(LeaseWaitersTest, ACallThatIsDroppedGetsNothingAndTakesNothing) {
  const int64_t handle = Wait(1);
  waiters_.Drop(handle);
  EXPECT_THAT(answers_, ElementsAre(Pair(1, "nothing")));
  answers_.clear();
  waiters_.Drop(handle);
  SubmitOne();
  EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(LeaseWaitersTest, AWorkerThatIsToLeaveWaitsNoMore) {
  Wait(1, {.id = WorkerId{1}});
  Wait(2, {.id = WorkerId{2}});
  waiters_.DropWorker(WorkerId{1});
  EXPECT_THAT(answers_, ElementsAre(Pair(1, "nothing")));
}

TEST_F(LeaseWaitersTest, AWaitThatIsOverIsAnsweredWithNothing) {
  Wait(1, {}, absl::ZeroDuration());
  EXPECT_THAT(answers_, ElementsAre(Pair(1, "nothing")));
}

TEST_F(LeaseWaitersTest, AfterStopNobodyWaits) {
  Wait(1);
  waiters_.Stop();
  EXPECT_THAT(answers_, ElementsAre(Pair(1, "nothing")));
  Wait(2, {.id = WorkerId{2}});
  EXPECT_THAT(answers_, ElementsAre(Pair(1, "nothing"), Pair(2, "nothing")));
}

TEST_F(LeaseWaitersTest, ToJoinABatchOneMustHoldIt) {
  SubmitOne();
  Wait(1);
  Wait(2, {.beside = last_.batch.id, .beside_secret = "another's"});
  EXPECT_EQ(answers_[2], "LEASE_LOST");
}

// Idle workers go first; then those that step a batch of such a lane.
TEST_F(LeaseWaitersTest, RunsThatNoIdleWorkerTakesAreOfferedToThoseThatJoin) {
  SetPolicy(BatchPolicy::kAdaptive);
  std::vector<Leased> held;
  for (int i = 1; i <= 3; ++i) {
    NewJob job{.runs = Runs(1)};
    job.shared.model = i == 1 ? "a" : "b";
    Submit(job);
    Wait(i, {.id = WorkerId{i}});
    held.push_back(last_);
  }
  answers_.clear();
  for (int i = 1; i <= 3; ++i) {
    Wait(10 + i, {.id = WorkerId{i},
                  .beside = held[i - 1].batch.id,
                  .beside_secret = held[i - 1].batch.secret,
                  .row_count = 1});
  }
  EXPECT_THAT(answers_, IsEmpty());
  NewJob job{.runs = Runs(1)};
  job.shared.model = "b";
  EXPECT_EQ(LooksOf([&] { Submit(job); }), 1);
  EXPECT_THAT(answers_, ElementsAre(Pair(12, "jobs/4")));
  // The first of them has no room: the offer goes on to the next.
  answers_.clear();
  Wait(20, {.id = WorkerId{2},
            .beside = held[1].batch.id,
            .beside_secret = held[1].batch.secret,
            .row_count = 4});
  EXPECT_THAT(answers_, IsEmpty());
  Submit(job);
  EXPECT_THAT(answers_, ElementsAre(Pair(13, "jobs/5")));
}

// The worker has news of its rows, or no longer wants the first answer.
TEST_F(LeaseWaitersTest, AWorkersNextCallEndsItsWaitToJoin) {
  SubmitOne();
  Wait(1);
  const Lessee beside = {.beside = last_.batch.id,
                         .beside_secret = last_.batch.secret,
                         .row_count = 1};
  Wait(2, beside);
  EXPECT_EQ(answers_.count(2), 0u);
  EXPECT_THAT(places_.Idle({}, Lane(), {}), IsEmpty());
  Wait(3, beside);
  EXPECT_EQ(answers_[2], "nothing");
  EXPECT_EQ(answers_.count(3), 0u);
}

}  // namespace
}  // namespace sheaf::server
