#include "server/scheduling/lease_waiters.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/queues.h"
#include "tests/queue/builders.h"
#include "tests/queue/memory_store.h"
#include "tests/queue/stores.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class LeaseWaitersTest : public ::testing::Test {
 protected:
  LeaseWaitersTest() {
    Write(store_, [](Tx& tx) {
      EnsureDefaultQueue(tx);
      return true;
    });
  }
  ~LeaseWaitersTest() override { timer_.Stop(); }

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

  void SubmitOne() {
    ASSERT_TRUE(Write(store_, [](Tx& tx) {
                  return Submit(tx, MakeJob({.runs = Runs(1)}));
                }).ok());
  }

  TestClock clock_;
  MemoryStore store_{&clock_};
  Timer timer_;
  WorkerRegistry workers_;
  StatsBoard stats_;
  LeaseWaiters waiters_{{.store = &store_,
                         .timer = &timer_,
                         .workers = &workers_,
                         .stats = &stats_,
                         .now = [this] { return clock_.now(); },
                         .lease_duration = kLease}};
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
  waiters_.Signal();
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
  waiters_.Signal();
  EXPECT_EQ(answers_.size(), 1u);
  SubmitOne();
  waiters_.Signal();
  EXPECT_EQ(answers_.size(), 2u);
}

TEST_F(LeaseWaitersTest, IdleWorkersAreThoseWhoseCallsWait) {
  Wait(1, {.id = WorkerId{1}});
  clock_.Advance(absl::Seconds(3));
  const int64_t handle = Wait(2, {.id = WorkerId{2}});
  EXPECT_THAT(waiters_.Idle(),
              ElementsAre(Pair(WorkerId{1}, clock_.now() - absl::Seconds(3)),
                          Pair(WorkerId{2}, clock_.now())));
  waiters_.Drop(handle);
  EXPECT_EQ(waiters_.Idle().size(), 1u);
}

TEST_F(LeaseWaitersTest, ACallThatIsDroppedGetsNothingAndTakesNothing) {
  const int64_t handle = Wait(1);
  waiters_.Drop(handle);
  EXPECT_THAT(answers_, ElementsAre(Pair(1, "nothing")));
  answers_.clear();
  waiters_.Drop(handle);
  SubmitOne();
  waiters_.Signal();
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

// The worker has news of its rows, or no longer wants the first answer.
TEST_F(LeaseWaitersTest, AWorkersNextCallEndsItsWaitToJoin) {
  SubmitOne();
  Wait(1);
  const Lessee beside = {.beside = last_.batch.id,
                         .beside_secret = last_.batch.secret,
                         .row_count = 1};
  Wait(2, beside);
  EXPECT_EQ(answers_.count(2), 0u);
  EXPECT_THAT(waiters_.Idle(), IsEmpty());
  Wait(3, beside);
  EXPECT_EQ(answers_[2], "nothing");
  EXPECT_EQ(answers_.count(3), 0u);
}

}  // namespace
}  // namespace sheaf::server
