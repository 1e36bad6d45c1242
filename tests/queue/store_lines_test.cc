// The promises of every store: lanes and the lines in them.
#include <set>
#include <string>

#include "tests/queue/builders.h"
#include "tests/queue/stores.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class StoreLinesTest : public StoreTest {
 protected:
  absl::Time At(int seconds) { return clock_.now() + absl::Seconds(seconds); }
  std::vector<int64_t> Ready(LaneId lane, Priority priority, int limit) {
    std::vector<int64_t> jobs;
    for (const Run& run :
         Read([&](View& view) { return view.Ready(lane, priority, limit); })) {
      jobs.push_back(run.id.job().value);
    }
    return jobs;
  }
};
SHEAF_FOR_ALL_STORES(StoreLinesTest);

TEST_P(StoreLinesTest, LaneIsMadeOnceForEachCombination) {
  const Lane base{.queue = "q",
                  .kind = "k",
                  .model = "m",
                  .vae = "v",
                  .width = 512,
                  .height = 768};
  std::vector<Lane> lanes(7, base);
  lanes[1].queue = "other";
  lanes[2].kind = "other";
  lanes[3].model = "other";
  lanes[4].vae = "other";
  lanes[5].width = 513;
  lanes[6].height = 769;
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < lanes.size(); ++i) {
      const LaneId id = Write([&](Tx& tx) { return tx.LaneFor(lanes[i]); });
      EXPECT_EQ(id.value, static_cast<int64_t>(i) + 1);
      const Lane found = Read([&](View& view) { return view.FindLane(id); });
      EXPECT_EQ(found.id, id);
      EXPECT_EQ(std::tie(found.queue, found.kind, found.model, found.vae),
                std::tie(lanes[i].queue, lanes[i].kind, lanes[i].model,
                         lanes[i].vae));
      EXPECT_EQ(found.width, lanes[i].width);
      EXPECT_EQ(found.height, lanes[i].height);
    }
  }
}

TEST_P(StoreLinesTest, PartsOfALaneDoNotRunIntoEachOther) {
  const auto lane_for = [&](const std::string& model, const std::string& vae) {
    return Write([&](Tx& tx) {
      return tx.LaneFor({.queue = "q", .model = model, .vae = vae});
    });
  };
  std::set<int64_t> lanes;
  for (const char* text : {"\n", ":", "1:", "x", "\t"}) {
    const std::string between = text;
    lanes.insert(lane_for("a" + between + "b", "c").value);
    lanes.insert(lane_for("a", "b" + between + "c").value);
  }
  EXPECT_EQ(lanes.size(), 10u);
}

TEST_P(StoreLinesTest, LanesWithNoOneWaitingAreNotReady) {
  const Job job = Write([](Tx& tx) {
    tx.LaneFor({.queue = "empty"});
    InsertRow(tx, {.model = "b"});
    return InsertRow(tx, {.model = "a"});
  });
  const auto models = [&] {
    std::vector<std::string> models;
    for (const auto& [lane, run] :
         Read([](View& v) { return v.LaneHeads(); })) {
      models.push_back(lane.model);
    }
    return models;
  };
  EXPECT_THAT(models(), ElementsAre("b", "a"));
  Write([&](Tx& tx) {
    Run run = *tx.FindRun(RunId(job.id, 0));
    run.state = RunState::kRunning;
    run.batch = BatchId{1};
    tx.SaveRun(run);
  });
  EXPECT_THAT(models(), ElementsAre("b"));
}

TEST_P(StoreLinesTest, LanesAreCountedByOwner) {
  const auto lane = [](Tx& tx, const std::string& owner, int width) {
    return tx.LaneFor({.queue = "default", .owner = owner, .width = width});
  };
  const Job job = Write([&](Tx& tx) {
    Job row = InsertRow(tx, {.runs = 3});
    for (int i = 0; i < 3; ++i) {
      Run run = *tx.FindRun(RunId(row.id, i));
      run.lane = lane(tx, i < 2 ? "ann" : "bob", 8 * i);
      tx.SaveRun(run);
    }
    lane(tx, "ann", 4096);  // in which no run waits
    return row;
  });
  const auto widths = [&](View& view, const std::string& owner) {
    std::vector<int64_t> all;
    for (const Lane& one : view.LanesOf(owner)) all.push_back(one.width);
    EXPECT_GE(view.LaneBoundOf(owner), static_cast<int64_t>(all.size()));
    return all;
  };
  const auto check = [&](View& view) {
    EXPECT_THAT(widths(view, "ann"), UnorderedElementsAre(0, 8));
    EXPECT_THAT(widths(view, "bob"), ElementsAre(16));
    EXPECT_THAT(widths(view, "cid"), IsEmpty());
    return true;
  };
  Read(check);
  Write(check);
  Write([&](Tx& tx) {
    Run run = *tx.FindRun(RunId(job.id, 1));
    run.state = RunState::kCancelled;
    run.end_time = tx.now();
    tx.SaveRun(run);
    EXPECT_THAT(widths(tx, "ann"), ElementsAre(0));
  });
  Read([&](View& v) {
    EXPECT_THAT(widths(v, "ann"), ElementsAre(0));
    return true;
  });
}

TEST_P(StoreLinesTest, HeadIsTheFirstOfALaneBelowAPriority) {
  const LaneId lane = Write([&](Tx& tx) {
    InsertRow(tx, {.priority = Priority::kLow, .run_time = At(1)});
    InsertRow(tx, {.priority = Priority::kHigh, .run_time = At(9)});
    return tx.LaneFor({.queue = "default"});
  });
  const auto check = [&](View& view) {
    const auto job = [&](Priority highest) {
      const std::optional<Run> head = view.Head(lane, highest);
      return head ? head->id.job().value : 0;
    };
    EXPECT_EQ(job(Priority::kUrgent), 2);
    EXPECT_EQ(job(Priority::kHigh), 2);
    EXPECT_EQ(job(Priority::kNormal), 1);
    EXPECT_EQ(job(Priority::kLow), 1);
    EXPECT_FALSE(view.Head(LaneId{lane.value + 1}, Priority::kUrgent));
    return true;
  };
  Read(check);
  Write(check);
  // Ask again: the writer now remembers a line that has changed.
  Write([&](Tx& tx) {
    Run run = *tx.FindRun(RunId(JobId{1}, 0));
    run.state = RunState::kCancelled;
    run.end_time = tx.now();
    tx.SaveRun(run);
    EXPECT_FALSE(tx.Head(lane, Priority::kNormal));
    EXPECT_TRUE(tx.Head(lane, Priority::kHigh));
  });
}

TEST_P(StoreLinesTest, LineIsByTimeThenId) {
  const LaneId lane = Write([&](Tx& tx) {
    InsertRow(tx, {.run_time = At(3)});
    InsertRow(tx, {.run_time = At(1)});
    InsertRow(tx, {.run_time = At(2)});
    InsertRow(tx, {.run_time = At(1)});
    InsertRow(tx, {.model = "another lane", .run_time = At(0)});
    InsertRow(tx, {.priority = Priority::kHigh, .run_time = At(9)});
    return tx.LaneFor({.queue = "default"});
  });
  EXPECT_THAT(Ready(lane, Priority::kNormal, 9), ElementsAre(2, 4, 3, 1));
  EXPECT_THAT(Ready(lane, Priority::kNormal, 2), ElementsAre(2, 4));
  EXPECT_THAT(Ready(lane, Priority::kHigh, 9), ElementsAre(6, 2, 4, 3, 1));
  EXPECT_THAT(Ready(lane, Priority::kHigh, 1), ElementsAre(6));
  EXPECT_THAT(Ready(lane, Priority::kLow, 9), IsEmpty());
}

TEST_P(StoreLinesTest, RunsOfAJobStandTogether) {
  const Job job = Write([&](Tx& tx) {
    InsertRow(tx, {.run_time = At(1)});
    const Job job = InsertRow(tx, {.runs = 5, .run_time = At(1)});
    InsertRow(tx, {.run_time = At(1)});
    Run later = *tx.FindRun(RunId(job.id, 2));
    later.run_time = At(2);
    tx.SaveRun(later);
    return job;
  });
  const auto with = [&](int index, int limit) {
    std::vector<int> indices;
    for (const Run& run : Read([&](View& view) {
           return view.ReadyWith(*view.FindRun(RunId(job.id, index)), limit);
         })) {
      EXPECT_EQ(run.id.job(), job.id);
      indices.push_back(run.id.index());
    }
    return indices;
  };
  EXPECT_THAT(with(0, 9), ElementsAre(0, 1, 3, 4));
  EXPECT_THAT(with(0, 2), ElementsAre(0, 1));
  EXPECT_THAT(with(3, 9), ElementsAre(3, 4));
  EXPECT_THAT(with(2, 9), ElementsAre(2));
}

// The writer remembers where runs wait; undoing a closure must undo that, too.
TEST_P(StoreLinesTest, AnUndoneClosureChangesNoLine) {
  const auto heads = [&] {
    return Write(
        [](Tx& tx) { return static_cast<int>(tx.LaneHeads().size()); });
  };
  const Job job = Write([](Tx& tx) { return InsertRow(tx); });
  const auto take = [&](Tx& tx) {
    Run run = *tx.FindRun(RunId(job.id, 0));
    run.state = RunState::kRunning;
    run.batch = BatchId{1};
    tx.SaveRun(run);
    EXPECT_TRUE(tx.LaneHeads().empty());
  };
  EXPECT_FALSE(Write([&](Tx& tx) {
                 take(tx);
                 return absl::AbortedError("undone");
               }).ok());
  EXPECT_EQ(heads(), 1);
  Write(take);
  EXPECT_EQ(heads(), 0);
  EXPECT_FALSE(Write([](Tx& tx) {
                 InsertRow(tx);
                 return absl::AbortedError("undone");
               }).ok());
  EXPECT_EQ(heads(), 0);
  Write([&](Tx& tx) {
    Run run = *tx.FindRun(RunId(job.id, 0));
    run.state = RunState::kQueued;
    tx.SaveRun(run);
  });
  EXPECT_EQ(heads(), 1);
}

TEST_P(StoreLinesTest, ChangedRunStandsAtItsNewPlace) {
  const LaneId lane = Write([&](Tx& tx) {
    InsertRow(tx);
    InsertRow(tx);
    Run run = *tx.FindRun(RunId(JobId{1}, 0));
    run.run_time = At(5);
    tx.SaveRun(run);
    return run.lane;
  });
  EXPECT_THAT(Ready(lane, Priority::kNormal, 9), ElementsAre(2, 1));
  Write([](Tx& tx) {
    Run run = *tx.FindRun(RunId(JobId{1}, 0));
    run.priority = Priority::kUrgent;
    tx.SaveRun(run);
  });
  EXPECT_THAT(Ready(lane, Priority::kNormal, 9), ElementsAre(2));
  EXPECT_THAT(Ready(lane, Priority::kUrgent, 9), ElementsAre(1, 2));
}

TEST_P(StoreLinesTest, RunsBeforeAPlaceAreCounted) {
  const LaneId lane = Write([&](Tx& tx) {
    InsertRow(tx, {.run_time = At(1)});
    InsertRow(tx, {.run_time = At(2)});
    InsertRow(tx, {.run_time = At(2)});
    InsertRow(tx, {.priority = Priority::kHigh, .run_time = At(9)});
    InsertRow(tx, {.priority = Priority::kLow, .run_time = At(0)});
    return tx.LaneFor({.queue = "default"});
  });
  const auto before = [&](Priority priority, int seconds, int job,
                          int64_t limit = 100) {
    return Read([&](View& view) {
      return view.CountReadyBefore(
          lane, {priority, At(seconds), RunId(JobId{job}, 0)}, limit);
    });
  };
  EXPECT_EQ(before(Priority::kHigh, 9, 4), 0);
  EXPECT_EQ(before(Priority::kNormal, 1, 1), 1);
  EXPECT_EQ(before(Priority::kNormal, 2, 2), 2);
  EXPECT_EQ(before(Priority::kNormal, 2, 3), 3);
  EXPECT_EQ(before(Priority::kLow, 0, 5), 4);
  EXPECT_EQ(before(Priority::kLow, 99, 99), 5);
  EXPECT_EQ(before(Priority::kLow, 99, 99, 2), 2);
}

TEST_P(StoreLinesTest, PastDeadlinesComeEarliestFirst) {
  Write([&](Tx& tx) {
    InsertRow(tx, {.start_deadline = At(3)});
    InsertRow(tx, {.start_deadline = At(1)});
    InsertRow(tx);
    InsertRow(tx, {.start_deadline = At(1)});
    InsertRow(tx, {.start_deadline = At(2)});
    Run run = *tx.FindRun(RunId(JobId{5}, 0));
    run.state = RunState::kRunning;
    run.batch = BatchId{1};
    tx.SaveRun(run);
  });
  const auto past = [&](absl::Time by, int limit) {
    std::vector<int64_t> jobs;
    for (RunId id :
         Read([&](View& view) { return view.PastDeadline(by, limit); })) {
      jobs.push_back(id.job().value);
    }
    return jobs;
  };
  EXPECT_THAT(past(At(0), 9), IsEmpty());
  EXPECT_THAT(past(At(1), 9), ElementsAre(2, 4));
  EXPECT_THAT(past(At(9), 9), ElementsAre(2, 4, 1));
  EXPECT_THAT(past(At(9), 1), ElementsAre(2));
  EXPECT_THAT(past(absl::InfiniteFuture(), 9), ElementsAre(2, 4, 1));
}

TEST_P(StoreLinesTest, ExpiredJobsComeEarliestFirst) {
  Write([&](Tx& tx) {
    for (int hours : {3, 1, 2}) {
      const Job job = InsertRow(tx);
      tx.ApplyToJob(job.id, {.queued = -1, .succeeded = 1},
                    {.keep_succeeded = absl::Hours(hours)});
    }
    InsertRow(tx);
  });
  const auto expired = [&](absl::Duration after, int limit) {
    const absl::Time by = clock_.now() + after;
    return Read([&](View& view) { return view.Expired(by, limit); });
  };
  EXPECT_THAT(expired(absl::ZeroDuration(), 9), IsEmpty());
  EXPECT_THAT(expired(absl::Hours(2), 9), ElementsAre(JobId{2}, JobId{3}));
  EXPECT_THAT(expired(absl::Hours(9), 2), ElementsAre(JobId{2}, JobId{3}));
  EXPECT_THAT(expired(absl::InfiniteDuration(), 9),
              ElementsAre(JobId{2}, JobId{3}, JobId{1}));
}

}  // namespace
}  // namespace sheaf
