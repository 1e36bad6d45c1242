#include "server/process/observers.h"

#include <functional>
#include <string>
#include <vector>

#include "queue/plans.h"
#include "tests/server/process/boards_case.h"

namespace sheaf::server {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// A way in which two runs of one job end, and the counts of it on each board.
struct Way {
  const char* name;
  // Ends the runs of the job, which `leased` holds.
  std::function<void(BoardsTest&, const Leased& leased)> end;
  RunCounts ended = {};       // for good
  AttemptCounts worker = {};  // of the worker that held them
  bool is_learned = false;    // the batch's time
  QueueSettings queue = {};   // those that are not the defaults
  bool twins = false;         // both runs ask for one picture
};
void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

auto Report(const Outcome& outcome) {
  return [outcome](BoardsTest& test, const Leased& leased) {
    test.Report(leased, outcome);
  };
}

void RunOut(BoardsTest& test, const Leased&) {
  test.clock_.Advance(kLease);
  test.RoundOfTheCaretaker();
}

auto EndBy(LeaseEnd how) {
  return [how](BoardsTest& test, const Leased&) {
    absl::Notification done;
    EndLeasesOf(*test.store_, kWorker, how, [&](const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      done.Notify();
    });
    done.WaitForNotification();
  };
}

void Release(BoardsTest& test, const Leased& leased) {
  test.Do([&](Tx& tx) {
    EXPECT_TRUE(ReleaseLease(tx, ClaimOf(leased.batch)).ok());
  });
}

void TakeTooLong(BoardsTest& test, const Leased&) {
  test.clock_.Advance(absl::Seconds(10));
  test.RoundOfTheCaretaker();
}

const Way kWays[] = {
    {.name = "AReportOfSuccess",
     .end = Report(Succeeded{}),
     .ended = {.succeeded = 2},
     .worker = {.succeeded = 2},
     .is_learned = true},
    {.name = "AReportOfSuccessForAPictureOfTwo",
     .end = Report(Succeeded{}),
     .ended = {.succeeded = 2},
     .worker = {.succeeded = 2},
     .is_learned = true,
     .queue = {.twins = true},
     .twins = true},
    {.name = "AReportOfAFailureForGood",
     .end = Report(MakeError(ErrorClass::kBadInput)),
     .ended = {.failed = 2},
     .worker = {.failed = 2}},
    {.name = "AReportOfAFailureThatIsTriedAgain",
     .end = Report(MakeError(ErrorClass::kTransient)),
     .worker = {.failed = 2}},
    {.name = "AReportOfRunsHandedBack", .end = Report(HandedBack{})},
    {.name = "ARelease", .end = Release},
    {.name = "ALeaseThatRunsOut", .end = RunOut, .worker = {.failed = 2}},
    {.name = "AWorkersDeath",
     .end = EndBy(LeaseEnd::kDied),
     .worker = {.failed = 2}},
    {.name = "AWorkersGoodbye", .end = EndBy(LeaseEnd::kHandedBack)},
    {.name = "TooLongATime",
     .end = TakeTooLong,
     .worker = {.failed = 2},
     .queue = {.run_duration_max = absl::Seconds(10)}},
    {.name = "ACancelThatTheWorkerObeys",
     .end =
         [](BoardsTest& test, const Leased& leased) {
           test.Cancel(leased.runs[0].run.id.job());
           test.Report(leased, StoppedAsOrdered{});
         },
     .ended = {.cancelled = 2}},
    {.name = "ACancelOfAWorkerThatIsNotHeard",
     .end =
         [](BoardsTest& test, const Leased& leased) {
           test.Cancel(leased.runs[0].run.id.job());
           RunOut(test, leased);
         },
     .ended = {.cancelled = 2},
     .worker = {.failed = 2}},
};

class EndOfABatchTest : public BoardsTest,
                        public ::testing::WithParamInterface<Way> {};

INSTANTIATE_TEST_SUITE_P(By, EndOfABatchTest, ::testing::ValuesIn(kWays),
                         [](const auto& info) {
                           return std::string(info.param.name);
                         });

TEST_P(EndOfABatchTest, CountsOnceOnEveryBoard) {
  const Way& way = GetParam();
  Configure(way.queue);
  std::vector<RunParams> runs = TwoRuns();
  if (way.twins) runs[1] = runs[0];
  SubmitJob({.runs = runs});
  const Leased leased = LeaseOne();
  ASSERT_THAT(leased.batch.runs, SizeIs(2));
  ASSERT_THAT(leased.runs, SizeIs(way.twins ? 1 : 2));
  BeginThroughput();
  clock_.Advance(absl::Seconds(2));
  way.end(*this, leased);
  // The answer has come, so all boards have been told.
  EXPECT_EQ(Total(), way.ended);
  EXPECT_EQ(OfWorker(), way.worker);
  EXPECT_EQ(OfWorkerInStats().succeeded, way.worker.succeeded);
  EXPECT_EQ(Finished(),
            way.ended.succeeded + way.ended.failed + way.ended.cancelled);
  EXPECT_THAT(prices_.All(), SizeIs(way.is_learned ? 1 : 0));
  EXPECT_THAT(memory_.Of("gpu"), SizeIs(1)) << "the worker told of it before";
  EXPECT_EQ(under_way_.size(), 0u);
  for (const RunId run : leased.batch.runs) {
    EXPECT_FALSE(progress_.Find(run)) << NameOf(run);
    EXPECT_FALSE(previews_.Find(run)) << NameOf(run);
  }
}

// A report that its worker repeats changes nothing.
TEST_P(EndOfABatchTest, IsNotCountedAgainByALateReport) {
  Configure(GetParam().queue);
  SubmitJob();
  const Leased leased = LeaseOne();
  GetParam().end(*this, leased);
  const RunCounts total = Total();
  const AttemptCounts worker = OfWorker();
  for (const Outcome& outcome :
       {Outcome(Succeeded{}), Outcome(MakeError(ErrorClass::kEngine))}) {
    (void)WriteAndWait(*store_, [&](Tx& tx) {
      return Finish(tx, MakeReport(leased, outcome)).status();
    });
  }
  EXPECT_EQ(Total(), total);
  EXPECT_EQ(OfWorker(), worker);
}

// A way in which two waiting runs end.
struct WayInLine {
  const char* name;
  std::function<void(BoardsTest&, JobId)> end;
  RunCounts ended;
};
void PrintTo(const WayInLine& way, std::ostream* out) { *out << way.name; }

const WayInLine kWaysInLine[] = {
    {.name = "ACancel",
     .end = [](BoardsTest& test, JobId job) { test.Cancel(job); },
     .ended = {.cancelled = 2}},
    {.name = "APurge",
     .end =
         [](BoardsTest& test, JobId) {
           test.Do([](Tx& tx) {
             EXPECT_EQ(PurgeSome(tx, kDefaultQueue, "", 10).value_or(0), 2);
           });
         },
     .ended = {.cancelled = 2}},
    {.name = "ADeadline",
     .end =
         [](BoardsTest& test, JobId) {
           test.clock_.Advance(absl::Minutes(1));
           test.RoundOfTheCaretaker();
         },
     .ended = {.failed = 2}},
};

class EndInLineTest : public BoardsTest,
                      public ::testing::WithParamInterface<WayInLine> {};

INSTANTIATE_TEST_SUITE_P(By, EndInLineTest, ::testing::ValuesIn(kWaysInLine),
                         [](const auto& info) {
                           return std::string(info.param.name);
                         });

TEST_P(EndInLineTest, CountsInTheTotalsAndForNoWorker) {
  const JobId job = SubmitJob(
      {.start_deadline = clock_.now() + absl::Minutes(1), .runs = TwoRuns()});
  BeginThroughput();
  clock_.Advance(absl::Seconds(2));
  GetParam().end(*this, job);
  EXPECT_EQ(Total(), GetParam().ended);
  EXPECT_EQ(OfWorker(), AttemptCounts());
  EXPECT_EQ(Finished(), 0) << "no worker took time for them";
  EXPECT_THAT(prices_.All(), IsEmpty());
}

using ObserversTest = BoardsTest;

TEST_F(ObserversTest, ADeletedQueueIsOnNoBoard) {
  Do([](Tx& tx) { EXPECT_TRUE(CreateQueue(tx, "huts", {}).ok()); });
  SubmitJob({.queue = "huts", .runs = TwoRuns()});
  const Leased leased = LeaseOne();
  BeginThroughput("huts");
  clock_.Advance(absl::Seconds(2));
  Report(leased, Succeeded{});
  EXPECT_EQ(Finished("huts"), 2);
  const auto queues = [&] {
    return stats_.Recall(absl::Hours(1), clock_.now()).queues;
  };
  EXPECT_EQ(queues().count("huts"), 1u);
  Do([](Tx& tx) { EXPECT_TRUE(DeleteQueue(tx, "huts").ok()); });
  EXPECT_EQ(queues().count("huts"), 0u);
  EXPECT_EQ(Finished("huts"), 0);
  EXPECT_EQ(Total().succeeded, 2) << "what was, stays in the total";
  EXPECT_EQ(OfWorker(), (AttemptCounts{2, 0}));
}

TEST_F(ObserversTest, AReportOfOneRunLeavesTheOtherOnTheBoards) {
  SubmitJob();
  Leased leased = LeaseOne();
  Leased first = leased;
  first.runs.resize(1);
  Report(first, Succeeded{});
  EXPECT_EQ(OfWorker(), (AttemptCounts{1, 0}));
  EXPECT_EQ(under_way_.size(), 1u);
  EXPECT_FALSE(progress_.Find(leased.batch.runs[0]));
  EXPECT_TRUE(progress_.Find(leased.batch.runs[1]));
  EXPECT_THAT(prices_.All(), IsEmpty());
  RunOut(*this, leased);
  EXPECT_EQ(OfWorker(), (AttemptCounts{1, 1}));
  EXPECT_EQ(under_way_.size(), 0u);
}

// The handler notes steps within its write for this case.
TEST_F(ObserversTest, StepsOfTheCommitThatEndsARunAreForgotten) {
  SubmitJob();
  const Leased leased = LeaseOne();
  Do([&](Tx& tx) {
    progress_.Note(leased.batch.runs[0], leased.batch.id, 5, 10, tx.now());
    EXPECT_TRUE(Finish(tx, MakeReport(leased, Succeeded{})).ok());
  });
  EXPECT_FALSE(progress_.Find(leased.batch.runs[0]));
}

TEST_F(ObserversTest, ARunThatStartsAgainBeginsWithoutProgress) {
  SubmitJob();
  const Leased leased = LeaseOne();
  Release(*this, leased);
  const RunId run = leased.batch.runs[0];
  progress_.Note(run, BatchId{1}, 9, 10, clock_.now());
  absl::Notification answered;
  waiters_->Wait(who_, clock_.now() + absl::Minutes(1),
                 [&](const auto&) { answered.Notify(); });
  answered.WaitForNotification();
  EXPECT_FALSE(progress_.Find(run));
}

TEST_F(ObserversTest, ABatchOfAPlanKeepsTheTimeThatItTook) {
  const JobId job = SubmitJob();
  PlanId plan;
  Do([&](Tx& tx) {
    ASSERT_TRUE(PauseQueue(tx, kDefaultQueue, {}).ok());
    PlanRecord record;
    record.queue = kDefaultQueue;
    record.mode = "mixed";
    record.revision = tx.FindQueue(kDefaultQueue)->revision;
    record.sequence = tx.LastSequence();
    record.batch_count = 1;
    plan = BeginPlan(tx, record).id;
    ASSERT_TRUE(
        AddToPlan(tx, plan, {{.number = 1, .runs = {{job, 0}, {job, 1}}}})
            .ok());
    ASSERT_TRUE(SealPlan(tx, plan).ok());
    ASSERT_TRUE(ExecutePlan(tx, {.plan = plan, .queue = kDefaultQueue}).ok());
    if (tx.FindQueue(kDefaultQueue)->state == QueueState::kPaused) {
      ASSERT_TRUE(ResumeQueue(tx, kDefaultQueue, "").ok());
    }
  });
  const Leased leased = LeaseOne();
  ASSERT_EQ(leased.plan, plan);
  clock_.Advance(absl::Seconds(3));
  Report(leased, Succeeded{});
  // It is stored in a write of its own, which was asked for before the report
  // was answered.
  absl::Duration actual;
  for (int i = 0; i < 100 && actual == absl::ZeroDuration(); ++i) {
    Do([&](Tx& tx) { actual = tx.TimesOf(plan).actual; });
  }
  EXPECT_EQ(actual, absl::Seconds(3));
}

// Owners may be at their limits: then a run that ends makes room, even where no
// new work has come.
TEST_F(ObserversTest, AnEndWakesThoseWhoWaitForAnOwnersRoom) {
  SubmitJob();
  const Leased leased = LeaseOne();
  const int64_t looks = waiters_->looks();
  waiters_->Wait(who_, clock_.now() + absl::Minutes(1), [](const auto&) {});
  const auto wait_for = [&](int64_t count) {
    for (int i = 0; i < 1000 && waiters_->looks() < count; ++i) {
      Do([](Tx&) {});
    }
    return waiters_->looks();
  };
  ASSERT_EQ(wait_for(looks + 1), looks + 1);
  Report(leased, Succeeded{});
  EXPECT_EQ(wait_for(looks + 2), looks + 2);
}

}  // namespace
}  // namespace sheaf::server
