#include "queue/leasing/maintain.h"

#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

class MaintainTest : public UseCaseTest {
 protected:
  // Makes one call; true if there is more to do.
  bool Once(const Maintenance& maintenance = {}) {
    return Write([&](Tx& tx) { return Maintain(tx, maintenance); });
  }
  int64_t FirstSequence() {
    return Read([](View& view) { return view.FirstSequence(); });
  }
};
SHEAF_FOR_ALL_STORES(MaintainTest);

TEST_P(MaintainTest, NothingDueNothingDone) {
  Submit();
  const int64_t events = LastSequence();
  EXPECT_FALSE(Once());
  EXPECT_EQ(LastSequence(), events);
}

TEST_P(MaintainTest, EndedLeasesAreTakenBackWhileNobodyAsks) {
  const Job job = Submit();
  Lease();
  clock_.Advance(kLease);
  EXPECT_FALSE(Once());
  EXPECT_EQ(GetRun(job).state, RunState::kQueued);
  EXPECT_EQ(GetQueue().running, 0);
}

TEST_P(MaintainTest, BatchThatTakesTooLongFailsThoughItsWorkerReports) {
  Configure({.run_duration_max = absl::Minutes(10)});
  const Job job = Submit();
  const BatchId batch = Lease().batch.id;
  for (int minute = 0; minute < 10; ++minute) {
    EXPECT_FALSE(Once());
    ASSERT_EQ(GetRun(job).state, RunState::kRunning) << minute;
    clock_.Advance(absl::Minutes(1));
    Write([&](Tx& tx) {  // as a heartbeat does
      Batch held = *tx.FindBatch(batch);
      held.lease_expire_time = tx.now() + kLease;
      tx.SaveBatch(held);
    });
  }
  EXPECT_FALSE(Once());
  EXPECT_EQ(GetRun(job).state, RunState::kQueued);
  EXPECT_EQ(GetRun(job).failures, 1);
  EXPECT_EQ(GetRun(job).error->error_class, ErrorClass::kEngine);
  EXPECT_THAT(GetRun(job).error->message,
              ::testing::HasSubstr("run_duration_max"));
  EXPECT_FALSE(Read([&](View& v) { return v.FindBatch(batch); }));
  EXPECT_EQ(GetQueue().running, 0);
}

TEST_P(MaintainTest, PausesEndWhenTheirTimeComes) {
  ASSERT_TRUE(Write([](Tx& tx) {
                return PauseQueue(tx, kDefaultQueue,
                                  {.resume_time = tx.now() + absl::Hours(1)});
              }).ok());
  Once();
  EXPECT_EQ(GetQueue().state, QueueState::kPaused);
  clock_.Advance(absl::Hours(1));
  Once();
  EXPECT_EQ(GetQueue().state, QueueState::kActive);
  EXPECT_EQ(LastEvent().type, EventType::kQueueResumed);
}

TEST_P(MaintainTest, PauseWithoutAnEndStays) {
  ASSERT_TRUE(
      Write([](Tx& tx) { return PauseQueue(tx, kDefaultQueue, {}); }).ok());
  clock_.Advance(absl::Hours(10'000));
  Once();
  EXPECT_EQ(GetQueue().state, QueueState::kPaused);
}

TEST_P(MaintainTest, LateRunsFailEvenInAPausedQueue) {
  const Job job = Submit({.start_deadline = clock_.now() + absl::Hours(1)});
  ASSERT_TRUE(
      Write([](Tx& tx) { return PauseQueue(tx, kDefaultQueue, {}); }).ok());
  clock_.Advance(absl::Hours(1));
  Once();
  EXPECT_EQ(GetRun(job).state, RunState::kFailed);
  EXPECT_EQ(GetRun(job).error->error_class, ErrorClass::kDeadline);
}

TEST_P(MaintainTest, JobsGoWhenTheirRetentionIsOver) {
  Configure({.keep_succeeded = absl::Hours(1)});
  const Job done = Submit();
  LeaseAndFinish(Succeeded{});
  const Job living = Submit();
  clock_.Advance(absl::Hours(1) - absl::Milliseconds(1));
  Once();
  EXPECT_TRUE(Read([&](View& v) { return v.FindJob(done.id); }));
  clock_.Advance(absl::Milliseconds(1));
  Once();
  EXPECT_FALSE(Read([&](View& v) { return v.FindJob(done.id); }));
  EXPECT_TRUE(Read([&](View& v) { return v.FindJob(living.id); }));
  EXPECT_EQ(LastEvent().type, EventType::kJobDeleted);
  EXPECT_EQ(LastEvent().job, done.id);
  EXPECT_EQ(LastEvent().queue, "default");
}

TEST_P(MaintainTest, RetriedJobDoesNotExpire) {
  const Job job = Submit();
  LeaseAndFinish(MakeError(ErrorClass::kBadInput));
  ASSERT_TRUE(Write([&](Tx& tx) { return RetryJob(tx, job.id); }).ok());
  clock_.Advance(absl::Hours(24 * 365));
  Once();
  EXPECT_TRUE(Read([&](View& v) { return v.FindJob(job.id); }));
}

TEST_P(MaintainTest, OneCallDoesABoundedShare) {
  Configure({.keep_cancelled = absl::ZeroDuration()});
  for (int i = 0; i < 7; ++i) {
    const Job job = Submit();
    ASSERT_TRUE(Write([&](Tx& tx) { return CancelJob(tx, job.id, {}); }).ok());
  }
  for (int i = 0; i < 7; ++i) {
    Submit({.start_deadline = clock_.now() + absl::Seconds(1)});
  }
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(Once({.step = 3}));
  EXPECT_EQ(Read([](View& view) { return view.Counts().jobs; }), 11);
  EXPECT_EQ(GetQueue().queued, 4);
  EXPECT_TRUE(Once({.step = 3}));
  EXPECT_FALSE(Once({.step = 3}));
  EXPECT_EQ(Read([](View& view) { return view.Counts().jobs; }), 7);
  EXPECT_EQ(GetQueue().queued, 0);
}

TEST_P(MaintainTest, RequestIdHoldsForAWhileAfterItsJobWasDeleted) {
  Configure({.keep_succeeded = absl::Hours(1)});
  const NewJob request{.request_id = "r"};
  const Job job = Submit(request);
  LeaseAndFinish(Succeeded{});
  clock_.Advance(absl::Hours(2));
  Once({.request_keep = absl::Hours(24)});
  EXPECT_FALSE(Read([&](View& v) { return v.FindJob(job.id); }));
  clock_.Advance(absl::Hours(23));
  Once({.request_keep = absl::Hours(24)});
  EXPECT_THAT(TrySubmit(request), FailsWith(Reason::kRequestIdSpent));
  clock_.Advance(absl::Hours(1));
  Once({.request_keep = absl::Hours(24)});
  EXPECT_TRUE(TrySubmit(request).ok());
}

TEST_P(MaintainTest, NewestEventsAreKept) {
  Write([](Tx& tx) {
    for (int i = 0; i < 1000; ++i) {
      tx.AppendEvent({.type = EventType::kWorkerJoined});
    }
  });
  const Maintenance maintenance{.events_max = 100, .step = 5};
  EXPECT_FALSE(Once(maintenance)) << "they are young";
  clock_.Advance(absl::Hours(25));
  int calls = 0;
  while (Once(maintenance) && calls < 1000) ++calls;
  EXPECT_GT(calls, 1) << "a slice at a time";
  const int64_t last = LastSequence();
  EXPECT_LE(FirstSequence(), last - 99);
  EXPECT_GE(FirstSequence(), last - 110);
}

TEST_P(MaintainTest, YoungEventsAreKeptUpToAHardLimit) {
  const auto append = [&](int count) {
    Write([&](Tx& tx) {
      for (int i = 0; i < count; ++i) {
        tx.AppendEvent({.type = EventType::kWorkerJoined});
      }
    });
  };
  const Maintenance maintenance{.events_max = 10,
                                .events_keep = absl::Hours(1),
                                .events_hard_max = 200,
                                .step = 5};
  append(50);
  const int64_t old = LastSequence();
  clock_.Advance(absl::Hours(2));
  append(100);
  while (Once(maintenance)) {
  }
  EXPECT_GT(FirstSequence(), old - 5) << "the old ones are gone";
  EXPECT_LE(FirstSequence(), old + 1) << "the young ones are not";
  append(300);
  while (Once(maintenance)) {
  }
  EXPECT_NEAR(FirstSequence(), LastSequence() - 200, 5);
}

TEST_P(MaintainTest, FewEventsAreAllKept) {
  Submit();
  EXPECT_FALSE(Once({.events_max = 2, .step = 5}));
  EXPECT_EQ(FirstSequence(), 1);
}

}  // namespace
}  // namespace sheaf
