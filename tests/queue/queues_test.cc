#include "queue/queues.h"

#include "absl/strings/str_cat.h"
#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

class QueuesTest : public UseCaseTest {
 protected:
  absl::StatusOr<Queue> Create(const std::string& name) {
    return Write(
        [&](Tx& tx) { return CreateQueue(tx, name, {.batch_size = 7}); });
  }
  absl::StatusOr<Queue> Pause(const sheaf::Pause& pause,
                              const std::string& name = kDefaultQueue) {
    return Write([&](Tx& tx) { return PauseQueue(tx, name, pause); });
  }
  absl::StatusOr<Queue> Resume(const std::string& name = kDefaultQueue) {
    return Write([&](Tx& tx) { return ResumeQueue(tx, name, "bob"); });
  }
  absl::StatusOr<Queue> Drain(const std::string& name = kDefaultQueue) {
    return Write(
        [&](Tx& tx) { return DrainQueue(tx, name, "closing", "ann"); });
  }
  absl::Status Drop(const std::string& name) {
    return Write([&](Tx& tx) { return DeleteQueue(tx, name); });
  }
  absl::StatusOr<int> Purge(int limit,
                            const std::string& name = kDefaultQueue) {
    return Write([&](Tx& tx) { return PurgeSome(tx, name, "ann", limit); });
  }
};
SHEAF_FOR_ALL_STORES(QueuesTest);

TEST_P(QueuesTest, DefaultQueueIsMadeOnce) {
  const Queue first = GetQueue();
  Write([](Tx& tx) { EnsureDefaultQueue(tx); });
  EXPECT_EQ(GetQueue(), first);
  EXPECT_EQ(LastSequence(), 1);
}

TEST_P(QueuesTest, NewQueueIsActiveAndEmpty) {
  const Queue queue = Create("night").value();
  EXPECT_EQ(queue, GetQueue("night"));
  EXPECT_EQ(queue.state, QueueState::kActive);
  EXPECT_EQ(queue.settings.batch_size, 7);
  EXPECT_EQ(queue.create_time, clock_.now());
  EXPECT_EQ(queue.queued + queue.running, 0);
  EXPECT_EQ(LastEvent().type, EventType::kQueueCreated);
  EXPECT_EQ(LastEvent().queue, "night");
}

TEST_P(QueuesTest, NamesAreUnique) {
  ASSERT_TRUE(Create("night").ok());
  EXPECT_THAT(Create("night"), FailsWith(Reason::kQueueExists));
  EXPECT_THAT(Create(kDefaultQueue), FailsWith(Reason::kQueueExists));
}

TEST_P(QueuesTest, ThereAreOnlySoManyQueues) {
  Write([](Tx& tx) {
    for (size_t i = 1; i < kQueuesMax; ++i) {
      EXPECT_TRUE(CreateQueue(tx, absl::StrCat("queue-", i), {}).ok());
    }
  });
  EXPECT_THAT(Create("night"), FailsWith(Reason::kTooManyQueues));
  ASSERT_TRUE(Drop("queue-1").ok());
  EXPECT_TRUE(Create("night").ok());
}

TEST_P(QueuesTest, UnknownQueueIsSaidByEveryVerb) {
  EXPECT_THAT(Pause({}, "nowhere"), FailsWith(Reason::kQueueNotFound));
  EXPECT_THAT(Resume("nowhere"), FailsWith(Reason::kQueueNotFound));
  EXPECT_THAT(Drain("nowhere"), FailsWith(Reason::kQueueNotFound));
  EXPECT_THAT(Drop("nowhere"), FailsWith(Reason::kQueueNotFound));
  EXPECT_THAT(Purge(1, "nowhere"), FailsWith(Reason::kQueueNotFound));
  EXPECT_THAT(Write([](Tx& tx) { return UpdateQueue(tx, "nowhere", {}, 0); }),
              FailsWith(Reason::kQueueNotFound));
  const absl::Status status = Read(
      [](View& view) { return FindQueueOrError(view, "nowhere").status(); });
  EXPECT_THAT(status, FailsWith(Reason::kQueueNotFound));
  EXPECT_EQ(SubjectOf(status), "queues/nowhere");
}

TEST_P(QueuesTest, UpdateChangesWhatItNames) {
  const Queue before = GetQueue();
  const Queue after = Configure({.batch_size = 9,
                                 .attempts_max = 8,
                                 .runs_max = 7,
                                 .keep_succeeded = absl::Hours(1),
                                 .keep_failed = absl::InfiniteDuration(),
                                 .keep_cancelled = absl::ZeroDuration()});
  EXPECT_EQ(after, GetQueue());
  EXPECT_EQ(after.settings,
            (QueueSettings{9, 8, 7, absl::Hours(1), absl::InfiniteDuration(),
                           absl::ZeroDuration()}));
  EXPECT_EQ(after.version, before.version + 1);
  EXPECT_EQ(after.revision, before.revision + 1);
  EXPECT_EQ(LastEvent().type, EventType::kQueueUpdated);
  EXPECT_EQ(Configure({.batch_size = 5}).settings.attempts_max, 8);
}

TEST_P(QueuesTest, UpdateOfAnotherVersionIsRefused) {
  const int64_t version = GetQueue().version;
  const auto update = [&] {
    return Write([&](Tx& tx) {
      return UpdateQueue(tx, kDefaultQueue, PatchOf({.batch_size = 5}),
                         version);
    });
  };
  EXPECT_TRUE(update().ok());
  const auto refused = update();
  EXPECT_THAT(refused, FailsWith(Reason::kEtagMismatch));
  EXPECT_EQ(MetadataOf(refused.status()).at("currentEtag"),
            std::to_string(version + 1));
}

TEST_P(QueuesTest, PauseIsAStoredFactWithItsReason) {
  const absl::Time end = clock_.now() + absl::Hours(1);
  const Queue queue = Pause({.reason = "tea",
                             .actor = "ann",
                             .resume_time = end,
                             .mode = PauseMode::kNextStep})
                          .value();
  EXPECT_EQ(queue, GetQueue());
  EXPECT_EQ(queue.state, QueueState::kPaused);
  EXPECT_EQ(queue.pause_mode, PauseMode::kNextStep);
  EXPECT_EQ(queue.reason, "tea");
  EXPECT_EQ(queue.actor, "ann");
  EXPECT_EQ(queue.pause_time, clock_.now());
  EXPECT_EQ(queue.resume_time, end);
  EXPECT_EQ(LastEvent().type, EventType::kQueuePaused);
  EXPECT_EQ(LastEvent().reason, "tea");
  EXPECT_EQ(LastEvent().actor, "ann");
}

TEST_P(QueuesTest, PausingAPausedQueueReplacesReasonModeAndTime) {
  ASSERT_TRUE(Pause({.reason = "tea",
                     .resume_time = clock_.now() + absl::Hours(1),
                     .mode = PauseMode::kNextStep})
                  .ok());
  const Queue queue = Pause({.reason = "lunch"}).value();
  EXPECT_EQ(queue.reason, "lunch");
  EXPECT_EQ(queue.pause_mode, PauseMode::kAfterBatch);
  EXPECT_EQ(queue.resume_time, absl::InfiniteFuture());
}

TEST_P(QueuesTest, PauseMustEndInTheFuture) {
  EXPECT_THAT(Pause({.resume_time = clock_.now()}),
              FailsWith(Reason::kInvalidField));
  EXPECT_EQ(GetQueue().state, QueueState::kActive);
}

TEST_P(QueuesTest, PauseOfOneQueueLeavesTheOthers) {
  ASSERT_TRUE(Create("night").ok());
  Submit({.queue = "night"});
  ASSERT_TRUE(Pause({}).ok());
  EXPECT_TRUE(TryLease().leased);
}

TEST_P(QueuesTest, ResumeForgetsThePause) {
  ASSERT_TRUE(Pause({.reason = "tea",
                     .actor = "ann",
                     .resume_time = clock_.now() + absl::Hours(1),
                     .mode = PauseMode::kNextStep})
                  .ok());
  const Queue queue = Resume().value();
  EXPECT_EQ(queue, GetQueue());
  EXPECT_EQ(queue.state, QueueState::kActive);
  EXPECT_EQ(queue.pause_mode, PauseMode::kAfterBatch);
  EXPECT_EQ(queue.pause_time, absl::InfinitePast());
  EXPECT_EQ(queue.resume_time, absl::InfiniteFuture());
  EXPECT_EQ(queue.reason, "");
  EXPECT_EQ(queue.actor, "");
  EXPECT_EQ(LastEvent().type, EventType::kQueueResumed);
  EXPECT_EQ(LastEvent().actor, "bob");
}

TEST_P(QueuesTest, OnlyPausesAndDrainsCanBeEnded) {
  EXPECT_THAT(Resume(), FailsWith(Reason::kQueueNotPaused));
  ASSERT_TRUE(Drain().ok());
  EXPECT_TRUE(Resume().ok());
  EXPECT_TRUE(TrySubmit({}).ok());
}

TEST_P(QueuesTest, DrainSaysWhoAndWhy) {
  const Queue queue = Drain().value();
  EXPECT_EQ(queue, GetQueue());
  EXPECT_EQ(queue.state, QueueState::kDraining);
  EXPECT_EQ(queue.reason, "closing");
  EXPECT_EQ(LastEvent().type, EventType::kQueueDraining);
  EXPECT_EQ(LastEvent().actor, "ann");
}

TEST_P(QueuesTest, OnlyEmptyQueuesAreDeleted) {
  ASSERT_TRUE(Create("night").ok());
  const Job job = Submit({.queue = "night"});
  EXPECT_THAT(Drop("night"), FailsWith(Reason::kQueueNotEmpty));
  Leased leased = Lease();
  EXPECT_THAT(Drop("night"), FailsWith(Reason::kQueueNotEmpty));
  ASSERT_TRUE(Finish(MakeReport(leased, Succeeded{})).ok());
  EXPECT_TRUE(Drop("night").ok());
  EXPECT_EQ(LastEvent().type, EventType::kQueueDeleted);
  EXPECT_THAT(Drop("night"), FailsWith(Reason::kQueueNotFound));
  EXPECT_EQ(GetJob(job).counts.succeeded, 1) << "what has ended stays";
}

TEST_P(QueuesTest, DefaultQueueAlwaysStays) {
  EXPECT_THAT(Drop(kDefaultQueue), FailsWith(Reason::kQueueIsDefault));
}

TEST_P(QueuesTest, PurgeCancelsWhatWaitsStepByStep) {
  NewJob other{.priority = Priority::kUrgent, .runs = Runs(3)};
  other.shared.model = "m";
  Submit(other);
  Submit({.runs = Runs(4)});
  Submit({.run_time = clock_.now() + absl::Hours(1)});
  const Leased leased = Lease({.batch_size_max = 1});
  EXPECT_EQ(Purge(5).value(), 5);
  EXPECT_EQ(LastEvent().actor, "ann");
  EXPECT_EQ(Purge(5).value(), 2);
  EXPECT_EQ(Purge(5).value(), 0);
  EXPECT_EQ(GetQueue().queued, 0);
  EXPECT_EQ(GetQueue().running, 1);
  EXPECT_EQ(GetRun(leased.runs[0].run.id).state, RunState::kRunning);
}

TEST_P(QueuesTest, PurgeTouchesNoOtherQueue) {
  ASSERT_TRUE(Create("night").ok());
  Submit({.queue = "night"});
  EXPECT_EQ(Purge(99).value(), 0);
  EXPECT_EQ(GetQueue("night").queued, 1);
}

TEST_P(QueuesTest, QueueWhoseCountsSayEmptyIsKeptWhileItHoldsRuns) {
  ASSERT_TRUE(Write([](Tx& tx) { return CreateQueue(tx, "q", {}); }).ok());
  const auto deny = [&](int64_t queued, int64_t running) {
    Write([&](Tx& tx) {
      Queue queue = *tx.FindQueue("q");
      queue.queued = queued;
      queue.running = running;
      tx.SaveQueue(queue);
    });
    return Write([](Tx& tx) { return DeleteQueue(tx, "q"); });
  };
  Submit({.queue = "q"});
  EXPECT_THAT(deny(0, 0), FailsWith(Reason::kQueueNotEmpty)) << "one waits";
  deny(1, 0).IgnoreError();
  const Leased leased = Lease();
  EXPECT_THAT(deny(0, 0), FailsWith(Reason::kQueueNotEmpty)) << "one runs";
  deny(0, 1).IgnoreError();
  ASSERT_TRUE(Finish(MakeReport(leased, Succeeded{})).ok());
  EXPECT_TRUE(deny(0, 0).ok());
}

}  // namespace
}  // namespace sheaf
