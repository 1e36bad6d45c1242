#include "queue/sqlite/sqlite_store.h"

#include <thread>

#include "gmock/gmock.h"
#include "queue/error.h"
#include "queue/queues.h"
#include "tests/queue/sqlite/store_fixture.h"

namespace sheaf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(StoreTest, TimeOfAClockThatWasWrongIsLeftBehindByARestart) {
  Open();
  clock_ms_ += 24 * 3'600'000;  // a day ahead
  Submit();
  clock_ms_ -= 24 * 3'600'000;
  Open();
  absl::Time now;
  ASSERT_TRUE(Read([&](View& view) {
                now = view.now();
                return absl::OkStatus();
              }).ok());
  EXPECT_EQ(absl::ToUnixMillis(now), clock_ms_);
}

TEST_F(StoreTest, WhatWasWrittenIsThereAfterReopening) {
  Open();
  const JobId id = Submit(3, "first");
  Job before, after;
  std::vector<sheaf::Run> runs;
  const auto read = [&](Job* job) {
    return Read([&, job](View& view) {
      *job = *view.FindJob(id);
      runs = view.Runs({.first = RunId(id, 0), .last = RunId(id, 99)});
      EXPECT_EQ(view.SharedParams(id).prompt, "a red fox");
      EXPECT_EQ(view.OwnParams(RunId(id, 2)).seed, 7);
      EXPECT_EQ(view.FindRequest("ann", "first")->job, id);
      EXPECT_EQ(view.FindQueue("default")->queued, 3);
      EXPECT_EQ(view.LastSequence(), 1);
      return absl::OkStatus();
    });
  };
  ASSERT_TRUE(read(&before).ok());
  const std::vector<sheaf::Run> runs_before = runs;
  EXPECT_EQ(runs.size(), 3u);
  Open();
  ASSERT_TRUE(read(&after).ok());
  EXPECT_EQ(before, after);
  EXPECT_EQ(runs_before, runs);
  EXPECT_EQ(Submit().value, id.value + 1);
}

TEST_F(StoreTest, ARunIsLeasedAndFinished) {
  Open();
  const JobId id = Submit(4);
  Batch batch;
  ASSERT_TRUE(Write([&](Tx& tx) {
                batch = LeaseFrom(tx, 4);
                return absl::OkStatus();
              }).ok());
  ASSERT_EQ(batch.runs.size(), 4u);
  ASSERT_TRUE(Read([&](View& view) {
                EXPECT_EQ(view.FindBatch(batch.id), batch);
                EXPECT_EQ(view.FindJob(id)->counts.running, 4);
                EXPECT_TRUE(view.LaneHeads().empty());
                return absl::OkStatus();
              }).ok());
  clock_ms_ += 5000;
  ASSERT_TRUE(Write([&](Tx& tx) {
                FinishAll(tx, batch);
                return absl::OkStatus();
              }).ok());
  ASSERT_TRUE(Read([&](View& view) {
                const Job job = *view.FindJob(id);
                EXPECT_EQ(StateOf(job.counts), JobState::kSucceeded);
                EXPECT_EQ(job.end_time - job.start_time, absl::Seconds(5));
                EXPECT_EQ(job.expire_time - job.end_time, absl::Hours(7 * 24));
                EXPECT_FALSE(view.FindBatch(batch.id).has_value());
                const auto run = *view.FindRun(RunId(id, 0));
                EXPECT_TRUE(view.IsReferenced(run.outputs[0].artifact));
                const auto events = view.Events(0, 100);
                EXPECT_EQ(events.size(), 3u);
                EXPECT_EQ(events[2].ended.size(), 1u);
                return absl::OkStatus();
              }).ok());
}

TEST_F(StoreTest, AClosureThatFailsLeavesNoTrace) {
  Open();
  const JobId first = Submit();
  EXPECT_EQ(Write([&](Tx& tx) {
              SubmitTo(tx, 2, "lost");
              tx.SaveQueue(MakeQueue("other", tx.now()));
              return absl::AbortedError("no");
            }).code(),
            absl::StatusCode::kAborted);
  ASSERT_TRUE(Write([&](Tx& tx) {
                EXPECT_FALSE(tx.FindQueue("other").has_value());
                EXPECT_EQ(tx.FindQueue("default")->queued, 1);
                EXPECT_EQ(tx.LastSequence(), 1);
                return absl::OkStatus();
              }).ok());
  EXPECT_EQ(Submit().value, first.value + 1);
  EXPECT_EQ(Ask("SELECT group_concat(sequence) FROM events"), "1,2");
  EXPECT_EQ(Ask("SELECT count(*) FROM queues"), "1");
  EXPECT_EQ(Ask("SELECT count(*) FROM jobs WHERE request_id = 'lost'"), "0");
}

// Holds the writer until told, so that the next writes form one group.
class Gate {
 public:
  explicit Gate(Store& store) {
    store.Write(
        [this](Tx&) {
          held_.Notify();
          open_.Wait();
          return absl::OkStatus();
        },
        [](absl::Status) {});
    held_.Wait();
  }
  void Open() { open_.Notify(); }

 private:
  Signal held_, open_;
};

TEST_F(StoreTest, AGroupCommitsOnceAndAFailureInItHarmsNoNeighbour) {
  Open();
  Submit();
  std::array<int64_t, 6> ids{};
  std::vector<std::string> answers;
  Signal last;
  Gate gate(*store_);
  for (int i = 0; i < 6; ++i) {
    store_->Write(
        [&, i](Tx& tx) {
          ids[i] = SubmitTo(tx, 1).value;
          return i % 2 == 1 ? absl::AbortedError("odd") : absl::OkStatus();
        },
        [&, i](absl::Status status) {
          answers.push_back(status.ok() ? "ok" : "no");
          if (i == 5) last.Notify();
        });
  }
  gate.Open();
  last.Wait();
  EXPECT_THAT(answers,
              ::testing::ElementsAre("ok", "no", "ok", "no", "ok", "no"));
  EXPECT_THAT(ids, ElementsAre(2, 3, 3, 4, 4, 5));
  Close();
  EXPECT_EQ(commits_, 2);  // the first submit, and the group
  EXPECT_EQ(last_commit_.last_sequence, 4);
  EXPECT_FALSE(last_commit_.all_ready);
  ASSERT_EQ(last_commit_.ready.size(), 1u);
  EXPECT_EQ(last_commit_.ready[0].lane.queue, "default");
  EXPECT_EQ(last_commit_.ready[0].runs, 3);
  EXPECT_EQ(last_commit_.ready[0].added, 3);
  // The news tell only of the closures that were kept.
  std::vector<int64_t> news;
  for (const Event& event : last_commit_.events) {
    news.push_back(event.sequence);
  }
  EXPECT_THAT(news, ElementsAre(2, 3, 4));
  ASSERT_EQ(last_commit_.changed.size(), 1u);
  EXPECT_EQ(last_commit_.changed[0].queued, 4);
  EXPECT_EQ(Ask("SELECT group_concat(sequence) FROM events"), "1,2,3,4");
  EXPECT_EQ(Ask("SELECT queued FROM queues"), "4");
  EXPECT_EQ(Ask("SELECT count(*) FROM runs"), "4");
}

// So a caller who asks as soon as it is answered finds what it did counted.
TEST_F(StoreTest, TheObserverHearsOfACommitBeforeItsCallersAreAnswered) {
  Open();
  std::vector<int> heard;
  Signal last;
  Gate gate(*store_);
  for (int i = 0; i < 3; ++i) {
    store_->Write(
        [&, i](Tx& tx) {
          SubmitTo(tx, 1);
          return i == 1 ? absl::AbortedError("odd") : absl::OkStatus();
        },
        [&, i](absl::Status) {
          heard.push_back(commits_);
          if (i == 2) last.Notify();
        });
  }
  gate.Open();
  last.Wait();
  EXPECT_THAT(heard, ElementsAre(1, 1, 1));
}

TEST_F(StoreTest, AGroupWhoseFirstWriteFailsKeepsTheOthers) {
  Open();
  Signal last;
  Gate gate(*store_);
  for (int i = 0; i < 3; ++i) {
    store_->Write(
        [i](Tx& tx) {
          SubmitTo(tx, 1);
          return i == 0 ? absl::AbortedError("no") : absl::OkStatus();
        },
        [&, i](absl::Status) {
          if (i == 2) last.Notify();
        });
  }
  gate.Open();
  last.Wait();
  EXPECT_EQ(Ask("SELECT group_concat(id) FROM jobs"), "1,2");
  EXPECT_EQ(Ask("SELECT count(*) FROM lanes"), "1");
}

TEST_F(StoreTest, AFailureAmidAGroupRunsThoseBeforeItAgain) {
  Open();
  Signal last;
  Gate gate(*store_);
  std::array<int, 5> runs{};
  std::array<JobId, 5> jobs;
  for (int i = 0; i < 5; ++i) {
    store_->Write(
        [&, i](Tx& tx) {
          ++runs[i];
          jobs[i] = SubmitTo(tx, 1);
          return i % 2 == 1 ? absl::AbortedError("no") : absl::OkStatus();
        },
        [&, i](absl::Status status) {
          EXPECT_EQ(status.ok(), i % 2 == 0);
          if (i == 4) last.Notify();
        });
  }
  gate.Open();
  last.Wait();
  EXPECT_EQ(Ask("SELECT group_concat(id) FROM jobs"), "1,2,3");
  EXPECT_EQ(Ask("SELECT group_concat(sequence) FROM events"), "1,2,3");
  EXPECT_EQ(jobs[0].value, 1);
  EXPECT_EQ(jobs[2].value, 2);
  EXPECT_EQ(jobs[4].value, 3);
  // From the first failure on, each closure has a savepoint.
  EXPECT_THAT(runs, ElementsAre(2, 2, 1, 1, 1));
}

TEST_F(StoreTest, ACommitThatChangedNothingIsNotTold) {
  Open();
  Submit();
  Close();
  const int commits = commits_;
  Open();
  EXPECT_TRUE(Write([](Tx& tx) {
                tx.Ready(LaneId{1}, Priority::kNormal, 1);
                return absl::OkStatus();
              }).ok());
  EXPECT_FALSE(Write([](Tx& tx) {
                 SubmitTo(tx, 1);
                 return absl::AbortedError("no");
               }).ok());
  Close();
  EXPECT_EQ(commits_, commits);
}

TEST_F(StoreTest, TimeNeverGoesBack) {
  Open();
  Submit();
  clock_ms_ -= 3'600'000;
  absl::Time first, second;
  EXPECT_TRUE(Write([&](Tx& tx) {
                first = tx.now();
                return absl::OkStatus();
              }).ok());
  Open();
  EXPECT_TRUE(Write([&](Tx& tx) {
                second = tx.now();
                return absl::OkStatus();
              }).ok());
  EXPECT_EQ(absl::ToUnixMillis(first), 1'700'000'000'000);
  EXPECT_EQ(second, first);
}

TEST_F(StoreTest, NumbersEndWithTheirCellAndNoneOfTheNextIsTaken) {
  Open();
  Submit();
  Close();
  {
    SQLite::Database db(database(), SQLite::OPEN_READWRITE);
    db.exec(
        "UPDATE counters SET value = 68719476734 "
        "WHERE name IN ('job', 'batch', 'worker', 'plan')");
  }
  Open();
  const JobId last = Submit();
  EXPECT_EQ(last, JobId{kCountMax});
  EXPECT_EQ(CellOf(last), 0);
  EXPECT_TRUE(Write([](Tx& tx) {
                EXPECT_EQ(tx.NewBatchId(), BatchId{kCountMax});
                EXPECT_EQ(tx.NewWorkerId(), WorkerId{kCountMax});
                EXPECT_EQ(tx.NewPlanId(), PlanId{kCountMax});
                return absl::OkStatus();
              }).ok());
  void (*const takes[])(Tx&) = {
      [](Tx& tx) { SubmitTo(tx, 1); }, [](Tx& tx) { tx.NewBatchId(); },
      [](Tx& tx) { tx.NewWorkerId(); }, [](Tx& tx) { tx.NewPlanId(); }};
  for (const auto take : takes) {
    const absl::Status refused = Write([take](Tx& tx) {
      take(tx);
      return absl::OkStatus();
    });
    EXPECT_EQ(ReasonOf(refused), Reason::kStoreCorrupt);
    EXPECT_THAT(std::string(refused.message()),
                HasSubstr("there is no number for another "));
  }
  // Numbers without a cell go on, and so does the store.
  EXPECT_TRUE(Write([&](Tx& tx) {
                EXPECT_EQ(tx.LastJob(), last);
                EXPECT_GT(tx.NewEpoch(), 0);
                return absl::OkStatus();
              }).ok());
  EXPECT_EQ(Ask("SELECT count(*) FROM counters WHERE value > 68719476735"),
            "0");
}

TEST_F(StoreTest, ItSaysWhichEngineItIs) {
  Open();
  EXPECT_EQ(store_->Info().engine, "sqlite");
  EXPECT_EQ(store_->Info().engine_version, sqlite3_libversion());
}

TEST_F(StoreTest, CountsThatWouldFallBelowNothingAreABrokenRow) {
  Open();
  const JobId id = Submit(2);
  const absl::Status refused = Write([&](Tx& tx) {
    tx.ApplyToJob(id, {.queued = -3, .cancelled = 3}, {});
    return absl::OkStatus();
  });
  EXPECT_EQ(ReasonOf(refused), Reason::kStoreCorrupt) << refused;
  EXPECT_EQ(Ask("SELECT n_queued FROM jobs"), "2");
}

TEST_F(StoreTest, ASecondProcessIsRefusedWithTheHoldersId) {
  Open();
  const auto second = SqliteStore::Open(MakeOptions());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(ReasonOf(second.status()), Reason::kDatabaseLocked);
  EXPECT_EQ(MetadataOf(second.status())["pid"], std::to_string(getpid()));
}

TEST_F(StoreTest, ABrokenRuleOfTheSchemaIsOurFaultAndHarmsNobody) {
  std::string log;
  auto options = MakeOptions();
  options.log = [&](const std::string& line) { log += line; };
  Open(options);
  const absl::Status status = Write([](Tx& tx) {
    const JobId id = SubmitTo(tx, 1);
    sheaf::Run run = *tx.FindRun(RunId(id, 0));
    run.state = RunState::kRunning;  // without a batch
    tx.SaveRun(run);
    return absl::OkStatus();
  });
  EXPECT_EQ(ReasonOf(status), Reason::kInternal);
  EXPECT_THAT(log, HasSubstr("CHECK constraint"));
  EXPECT_TRUE(store_->Health().writable);
  EXPECT_EQ(Submit().value, 1);
}

TEST_F(StoreTest, ReadersCannotWriteAndWritersSeeTheirOwnWrites) {
  Open();
  EXPECT_TRUE(
      Write([](Tx& tx) {
        const JobId id = SubmitTo(tx, 2);
        EXPECT_TRUE(tx.FindJob(id).has_value());
        const auto heads = tx.LaneHeads();
        EXPECT_EQ(heads.size(), 1u);
        EXPECT_EQ(tx.Ready(heads[0].run.lane, Priority::kNormal, 9).size(), 2u);
        return absl::OkStatus();
      }).ok());
  Connection reader(database(), Connection::Use::kRead, "");
  EXPECT_THROW(reader.Execute("DELETE FROM jobs"), SQLite::Exception);
}

TEST_F(StoreTest, ADeletedJobTakesAllThatBelongsToItAlong) {
  Open();
  const JobId id = Submit(2);
  const JobId other = Submit(1);
  EXPECT_TRUE(Write([&](Tx& tx) {
                const Batch batch = LeaseFrom(tx, 2);
                sheaf::Run run = *tx.FindRun(batch.runs[0]);
                tx.AddAttempt({.run = run.id,
                               .attempt = 1,
                               .start_time = tx.now(),
                               .end_time = tx.now()});
                FinishAll(tx, batch);
                tx.DeleteJob(id);
                return absl::OkStatus();
              }).ok());
  EXPECT_EQ(Ask("SELECT (SELECT count(*) FROM runs) || (SELECT count(*) FROM "
                "run_params) || (SELECT count(*) FROM attempts) || (SELECT "
                "count(*) FROM artifact_refs) || (SELECT count(*) FROM "
                "job_params)"),
            "11001");
  EXPECT_EQ(Ask("SELECT id FROM jobs"), std::to_string(other.value));
}

TEST_F(StoreTest, TheNewestEventIsNeverTrimmed) {
  Open();
  Submit();
  Submit();
  Submit();
  EXPECT_TRUE(Write([](Tx& tx) {
                tx.TrimEvents(100);
                EXPECT_EQ(tx.FirstSequence(), 3);
                return absl::OkStatus();
              }).ok());
  Open();
  Submit();
  EXPECT_EQ(Ask("SELECT group_concat(sequence) FROM events"), "3,4");
}

TEST_F(StoreTest, WritesAfterTheEndAreRefused) {
  Open();
  absl::Status late;
  store_->Write([](Tx&) { return absl::OkStatus(); },
                [&](absl::Status) {
                  std::this_thread::sleep_for(std::chrono::milliseconds(50));
                  store_->Write([](Tx&) { return absl::OkStatus(); },
                                [&](absl::Status status) { late = status; });
                });
  // Not reset(): the answer above still calls through store_.
  delete store_.get();
  [[maybe_unused]] auto* gone = store_.release();
  EXPECT_EQ(ReasonOf(late), Reason::kServerStopping);
}

TEST_F(StoreTest, HealthNamesTheWalBugOfThisSqlite) {
  Open();
  EXPECT_TRUE(store_->Health().writable);
  EXPECT_EQ(store_->Health().boot_check, "ok");
  if (sqlite3_libversion_number() == 3040001) {
    ASSERT_EQ(store_->Health().warnings.size(), 1u);
    EXPECT_THAT(store_->Health().warnings[0], HasSubstr("3.40.1"));
  }
}

}  // namespace
}  // namespace sheaf
