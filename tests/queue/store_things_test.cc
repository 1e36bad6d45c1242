// The promises of every store: queues, batches, events and artifacts.
#include "tests/queue/builders.h"
#include "tests/queue/stores.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class StoreThingsTest : public StoreTest {
 protected:
  absl::Time At(int seconds) { return clock_.now() + absl::Seconds(seconds); }
  std::vector<int64_t> Unreferenced(absl::Time created_by, int limit) {
    std::vector<int64_t> sizes;
    for (const Artifact& artifact : Read([&](View& view) {
           return view.UnreferencedArtifacts(created_by, limit);
         })) {
      sizes.push_back(artifact.size);
    }
    return sizes;
  }
};
SHEAF_FOR_ALL_STORES(StoreThingsTest);

TEST_P(StoreThingsTest, QueuesComeByNameAsTheyWereSaved) {
  Queue queue{.name = "\xE6\xA3\xAE",
              .state = QueueState::kPaused,
              .pause_mode = PauseMode::kNextStep,
              .settings = {.batch_size = 9,
                           .attempts_max = 8,
                           .runs_max = 1'000'000,
                           .keep_succeeded = absl::ZeroDuration(),
                           .keep_failed = absl::InfiniteDuration(),
                           .keep_cancelled = absl::Milliseconds(1),
                           .run_duration_max = absl::Minutes(7)},
              .revision = 5,
              .version = 6,
              .create_time = At(0),
              .reason = "why \"so\"",
              .actor = "ann",
              .pause_time = At(1),
              .resume_time = At(2),
              .queued = 3,
              .running = 4};
  Write([&](Tx& tx) {
    tx.SaveQueue(queue);
    tx.SaveQueue({.name = "b", .create_time = At(0)});
    tx.SaveQueue({.name = "a", .create_time = At(0)});
  });
  const auto queues = Read([](View& view) { return view.Queues(); });
  ASSERT_EQ(queues.size(), 3u);
  EXPECT_EQ(queues[0].name, "a");
  EXPECT_EQ(queues[0].pause_time, absl::InfinitePast());
  EXPECT_EQ(queues[0].resume_time, absl::InfiniteFuture());
  EXPECT_EQ(queues[1].name, "b");
  EXPECT_EQ(queues[2], queue);
  EXPECT_EQ(Read([&](View& v) { return v.FindQueue(queue.name); }), queue);
  Write([&](Tx& tx) { tx.DeleteQueue("b"); });
  EXPECT_FALSE(Read([](View& view) { return view.FindQueue("b"); }));
}

TEST_P(StoreThingsTest, BatchesAreFoundByTheEndOfTheirLease) {
  const auto batch = [&](int id, int seconds) {
    return Batch{.id = BatchId{id},
                 .queue = "q",
                 .worker = WorkerId{7},
                 .worker_name = "w",
                 .epoch = 8,
                 .secret = std::string("\0any\xff bytes", 11),
                 .lease_expire_time = At(seconds),
                 .start_time = At(0),
                 .runs = {RunId(JobId{3}, 2), RunId(JobId{1}, 0)}};
  };
  Write([&](Tx& tx) {
    for (int id : {1, 2, 3}) {
      EXPECT_EQ(tx.NewBatchId(), BatchId{id});
      tx.SaveBatch(batch(id, 10 - id));
    }
    Batch empty = batch(2, 8);
    empty.runs.clear();
    tx.SaveBatch(empty);
  });
  const auto ids = [&](absl::Time by) {
    std::vector<int64_t> ids;
    const auto keys = Read([&](View& v) { return v.Leases(by); });
    const auto whole = Read([&](View& v) { return v.Batches(by); });
    EXPECT_EQ(keys.size(), whole.size());
    for (size_t i = 0; i < whole.size(); ++i) {
      EXPECT_EQ(keys[i], (LeaseKey{whole[i].id, whole[i].worker, whole[i].queue,
                                   whole[i].start_time}));
    }
    for (const Batch& b : whole) {
      ids.push_back(b.id.value);
    }
    return ids;
  };
  EXPECT_THAT(ids(At(6)), IsEmpty());
  EXPECT_THAT(ids(At(7)), ElementsAre(3));
  EXPECT_THAT(ids(At(8)), ElementsAre(2, 3));
  EXPECT_THAT(ids(absl::InfiniteFuture()), ElementsAre(1, 2, 3));
  EXPECT_EQ(Read([](View& v) { return v.FindBatch(BatchId{1}); }), batch(1, 9));
  EXPECT_THAT(Read([](View& v) { return v.FindBatch(BatchId{2}); })->runs,
              IsEmpty());
  Write([](Tx& tx) { tx.DeleteBatch(BatchId{1}); });
  EXPECT_THAT(ids(absl::InfiniteFuture()), ElementsAre(2, 3));
}

TEST_P(StoreThingsTest, EventIsReadBackWithItsSequenceAndTime) {
  Event event{.type = EventType::kRunsChanged,
              .queue = "q",
              .job = JobId{4},
              .batch = BatchId{5},
              .worker = "w",
              .runs = {{RunId(JobId{4}, 1), RunState::kFailed, 2,
                        ErrorClass::kBadInput},
                       {RunId(JobId{9}, 0), RunState::kQueued, 0, {}}},
              .ended = {{JobId{4}, JobState::kFailed}},
              .actor = "ann",
              .reason = "\"so\"\n\xE6\xA3\xAE"};
  Write([&](Tx& tx) { tx.AppendEvent(event); });
  clock_.Advance(absl::Seconds(1));
  Write([&](Tx& tx) { tx.AppendEvent({.type = EventType::kWorkerLeft}); });
  event.sequence = 1;
  event.time = At(-1);
  const Event second{
      .sequence = 2, .time = At(0), .type = EventType::kWorkerLeft};
  EXPECT_THAT(Read([](View& view) { return view.Events(0, 9); }),
              ElementsAre(event, second));
}

TEST_P(StoreThingsTest, EventsHaveNoGapsAndComeInPages) {
  for (int i = 0; i < 5; ++i) {
    Write([](Tx& tx) {
      tx.AppendEvent({.type = EventType::kJobSubmitted});
      tx.AppendEvent({.type = EventType::kJobUpdated});
    });
  }
  const auto page = [&](int64_t after, int limit) {
    std::vector<int64_t> sequences;
    for (const Event& event :
         Read([&](View& view) { return view.Events(after, limit); })) {
      sequences.push_back(event.sequence);
    }
    return sequences;
  };
  EXPECT_THAT(page(0, 3), ElementsAre(1, 2, 3));
  EXPECT_THAT(page(3, 99), ElementsAre(4, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(page(10, 9), IsEmpty());
  EXPECT_EQ(Read([](View& view) { return view.LastSequence(); }), 10);
}

TEST_P(StoreThingsTest, TrimmedEventsAreGoneButNeverTheNewest) {
  Write([](Tx& tx) {
    for (int i = 0; i < 5; ++i) {
      tx.AppendEvent({.type = EventType::kJobSubmitted});
    }
    tx.TrimEvents(3);
  });
  EXPECT_EQ(Read([](View& view) { return view.FirstSequence(); }), 4);
  EXPECT_EQ(Read([](View& view) { return view.Events(0, 9); }).size(), 2u);
  Write([](Tx& tx) { tx.TrimEvents(99); });
  EXPECT_EQ(Read([](View& view) { return view.FirstSequence(); }), 5);
  EXPECT_EQ(Read([](View& view) { return view.LastSequence(); }), 5);
  Write([](Tx& tx) { tx.AppendEvent({.type = EventType::kJobSubmitted}); });
  EXPECT_EQ(Read([](View& view) { return view.LastSequence(); }), 6);
}

TEST_P(StoreThingsTest, ArtifactsAreCountedAndReplaced) {
  Write([&](Tx& tx) {
    tx.SaveArtifact({"aa", 10, "image/png", At(0)});
    tx.SaveArtifact({"bb", 20, "image/webp", At(0)});
    tx.SaveArtifact({"bb", 20, "image/webp", At(1)});
  });
  EXPECT_EQ(Read([](View& v) { return v.FindArtifact("bb"); }),
            (Artifact{"bb", 20, "image/webp", At(1)}));
  StoreCounts counts = Read([](View& view) { return view.Counts(); });
  EXPECT_EQ(counts.artifacts, 2);
  EXPECT_EQ(counts.artifact_bytes, 30);
  Write([](Tx& tx) { tx.DeleteArtifact("aa"); });
  counts = Read([](View& view) { return view.Counts(); });
  EXPECT_EQ(counts.artifact_bytes, 20);
  EXPECT_FALSE(Read([](View& v) { return v.FindArtifact("aa"); }));
}

TEST_P(StoreThingsTest, ReferencedArtifactStaysAsLongAsAnyJobNeedsIt) {
  const auto [first, second] = Write([&](Tx& tx) {
    tx.SaveArtifact({"aa", 1, "image/png", At(0)});
    const Job a = InsertRow(tx), b = InsertRow(tx);
    tx.AddReferences(a.id, {"aa", "aa"});
    tx.AddReferences(b.id, {"aa"});
    tx.AddReferences(b.id, {"aa"});
    return std::pair(a.id, b.id);
  });
  const auto referenced = [&] {
    return Read([](View& view) { return view.IsReferenced("aa"); });
  };
  EXPECT_TRUE(referenced());
  Write([id = first](Tx& tx) { tx.DeleteJob(id); });
  EXPECT_TRUE(referenced());
  Write([id = second](Tx& tx) { tx.DeleteJob(id); });
  EXPECT_FALSE(referenced());
}

TEST_P(StoreThingsTest, OutputOfARunIsReferencedByItsJob) {
  const Job job = Write([&](Tx& tx) {
    tx.SaveArtifact({"aa", 1, "image/png", At(0)});
    const Job job = InsertRow(tx);
    Run run = *tx.FindRun(RunId(job.id, 0));
    run.outputs = {{"aa", "0.png", "image/png"}};
    tx.SaveRun(run);
    return job;
  });
  EXPECT_TRUE(Read([](View& view) { return view.IsReferenced("aa"); }));
  EXPECT_THAT(Unreferenced(At(9), 9), IsEmpty());
  Write([&](Tx& tx) { tx.DeleteJob(job.id); });
  EXPECT_THAT(Unreferenced(At(9), 9), ElementsAre(1));
}

TEST_P(StoreThingsTest, UnreferencedArtifactsComeOldestFirst) {
  Write([&](Tx& tx) {
    tx.SaveArtifact({"aa", 1, "image/png", At(3)});
    tx.SaveArtifact({"bb", 2, "image/png", At(1)});
    tx.SaveArtifact({"cc", 3, "image/png", At(2)});
    tx.SaveArtifact({"dd", 4, "image/png", At(1)});
    tx.AddReferences(InsertRow(tx).id, {"cc"});
  });
  EXPECT_THAT(Unreferenced(At(0), 9), IsEmpty());
  EXPECT_THAT(Unreferenced(At(2), 9), ElementsAre(2, 4));
  EXPECT_THAT(Unreferenced(At(9), 9), ElementsAre(2, 4, 1));
  EXPECT_THAT(Unreferenced(At(9), 2), ElementsAre(2, 4));
}

}  // namespace
}  // namespace sheaf
