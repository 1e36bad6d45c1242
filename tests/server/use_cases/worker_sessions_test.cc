#include "server/use_cases/worker_sessions.h"

#include <set>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "base/version.h"
#include "tests/server/scheduling/waiting_workers.h"
#include "tests/server/scheduling/work.h"

namespace sheaf::server {
namespace {

const Caller kCaller = CallerOf("ipv4:10.0.0.7:4711");

class WorkerSessionsTest : public WaitingWorkersTest {
 protected:
  // A worker whose stream is open.
  WorkerInfo Come(WorkerInfo worker = {}) {
    worker = sessions_.Admit(kCaller, std::move(worker)).value();
    worker = Write(store_, [&](Tx& tx) {
               return sessions_.Name(tx, worker);
             }).value();
    welcome_ = sessions_.Open(worker, [this](const WorkerNudge& nudge) {
      said_goodbye_ = said_goodbye_ || nudge.goodbye;
    });
    return worker;
  }
  // The worker gets a batch of one run.
  RunId Work(const WorkerInfo& worker) {
    const Job job = SubmitJob({.runs = Runs(1)});
    Write(store_, [&](Tx& tx) {
      return Lease(tx, MakeWorker(worker.lessee), kLease).leased.has_value();
    });
    return RunId(job.id, 0);
  }
  // Waits until the timer has done everything that is due.
  void WaitForTheTimer() {
    absl::Notification done;
    timer_.After(absl::ZeroDuration(), [&] { done.Notify(); });
    done.WaitForNotification();
  }
  bool IsKnown(const WorkerInfo& worker) {
    return workers_.Find(worker.lessee.id).has_value();
  }

  PricesBoard prices_{Flat()};
  bool closing_ = false;
  bool said_goodbye_ = false;
  Welcome welcome_;
  const WorkerSessions sessions_{{.store = &store_,
                                  .timer = &timer_,
                                  .workers = &workers_,
                                  .lease_waiters = &waiters_,
                                  .prices = &prices_,
                                  .stats = &stats_,
                                  .now = [this] { return clock_.now(); },
                                  .is_closing = [this] { return closing_; },
                                  .lease_duration = kLease,
                                  .heartbeat_interval = absl::Seconds(5),
                                  .grace = absl::ZeroDuration()}};
};

TEST_F(WorkerSessionsTest, EachWorkerHasANameAndASecretOfItsOwn) {
  std::set<WorkerId> names;
  std::set<std::string> secrets;
  for (int i = 0; i < 3; ++i) {
    const WorkerInfo worker = Come();
    names.insert(worker.lessee.id);
    secrets.insert(worker.secret);
    EXPECT_EQ(worker.address, kCaller.address);
  }
  EXPECT_EQ(names.size(), 3u);
  EXPECT_EQ(secrets.size(), 3u);
  EXPECT_EQ(secrets.count(""), 0u);
}

TEST_F(WorkerSessionsTest, AWorkerThatJoinsIsAnEventAndIsWelcome) {
  WorkerInfo worker;
  worker.lessee.name = "gpu box";
  Come(worker);
  EXPECT_EQ(LastEvent().type, EventType::kWorkerJoined);
  EXPECT_EQ(LastEvent().worker, "gpu box");
  EXPECT_EQ(welcome_.lease_duration, kLease);
  EXPECT_EQ(welcome_.heartbeat_interval, absl::Seconds(5));
}

TEST_F(WorkerSessionsTest, AWorkerMeasuresModelsThatNobodyHasMeasured) {
  WorkerInfo worker;
  worker.lessee.device = "gpu";
  worker.lessee.models = {"m"};
  Come(worker);
  EXPECT_FALSE(welcome_.calibrate) << "it cannot measure";
  worker.measures = true;
  Come(worker);
  EXPECT_TRUE(welcome_.calibrate);
  prices_.Measured(kKind, Flat());
  Come(worker);
  EXPECT_FALSE(welcome_.calibrate);
}

TEST_F(WorkerSessionsTest, AnAddressMayHaveFiveHundredWorkersAndTwelve) {
  WorkerInfo worker;
  worker.address = kCaller.address;
  for (int i = 1; i <= 512; ++i) {
    ASSERT_TRUE(sessions_.Admit(kCaller, {}).ok()) << i;
    worker.lessee.id = WorkerId{i};
    workers_.Attach(worker, nullptr);
  }
  const absl::Status refused = sessions_.Admit(kCaller, {}).status();
  EXPECT_EQ(ReasonOf(refused), Reason::kOverloaded);
  EXPECT_TRUE(RetryAfterOf(refused));
  EXPECT_TRUE(sessions_.Admit(CallerOf("ipv4:10.0.0.8:1"), {}).ok());
}

TEST_F(WorkerSessionsTest, TheNamesOfAWorkersModelsHaveAnEnd) {
  WorkerInfo worker;
  worker.lessee.models = {std::string(256 << 10, 'm')};
  EXPECT_TRUE(sessions_.Admit(kCaller, worker).ok());
  worker.lessee.models = {std::string(256 << 10, 'm'), "n"};
  const absl::Status refused = sessions_.Admit(kCaller, worker).status();
  EXPECT_EQ(ReasonOf(refused), Reason::kInvalidField);
  EXPECT_EQ(ViolationsOf(refused).at(0).field, "models");
}

TEST_F(WorkerSessionsTest, AWorkerThatKnowsNoSecretsMustBeUpdated) {
  WorkerInfo worker;
  worker.version = "0.1.0";
  EXPECT_EQ(ReasonOf(sessions_.Admit(kCaller, worker).status()),
            Reason::kWorkerOutdated);
  worker.version = kVersion;
  EXPECT_TRUE(sessions_.Admit(kCaller, worker).ok());
}

TEST_F(WorkerSessionsTest, AWorkerOfWhichNothingIsHeardIsDead) {
  const WorkerInfo worker = Come();
  const RunId run = Work(worker);
  sessions_.StreamEnded(worker);
  WaitForTheTimer();
  EXPECT_FALSE(IsKnown(worker));
  EXPECT_EQ(FindRun(run).state, RunState::kQueued);
  EXPECT_EQ(FindRun(run).crashes, 1);
  EXPECT_EQ(LastEvent().type, EventType::kWorkerLeft);
  EXPECT_EQ(LastEvent().reason, "its connection ended");
}

TEST_F(WorkerSessionsTest, AWorkerThatIsHeardOfHasTheTimeOfALease) {
  const WorkerInfo worker = Come();
  const RunId run = Work(worker);
  absl::Notification heard;
  timer_.After(absl::ZeroDuration(), [&] { heard.WaitForNotification(); });
  sessions_.StreamEnded(worker);
  clock_.Advance(absl::Seconds(1));
  workers_.Heard(worker.lessee.id, clock_.now());
  heard.Notify();
  WaitForTheTimer();
  EXPECT_TRUE(IsKnown(worker));
  EXPECT_EQ(FindRun(run).state, RunState::kRunning);
}

TEST_F(WorkerSessionsTest, NobodyIsMissedWhileTheServerStops) {
  const WorkerInfo worker = Come();
  closing_ = true;
  sessions_.StreamEnded(worker);
  WaitForTheTimer();
  EXPECT_TRUE(IsKnown(worker));
}

TEST_F(WorkerSessionsTest, AGoodbyeHandsBackWithoutFaultAndEndsTheWait) {
  const WorkerInfo worker = Come();
  const RunId run = Work(worker);
  bool ended = false;
  waiters_.Wait(MakeWorker(worker.lessee), clock_.now() + absl::Hours(1),
                [&](const auto&) { ended = true; });
  absl::Status left = absl::UnknownError("not answered");
  sessions_.Leave(worker, [&](const absl::Status& status) { left = status; });
  EXPECT_TRUE(left.ok()) << left;
  EXPECT_TRUE(ended);
  EXPECT_TRUE(said_goodbye_);
  EXPECT_FALSE(IsKnown(worker));
  EXPECT_EQ(FindRun(run).state, RunState::kQueued);
  EXPECT_EQ(FindRun(run).failures, 0);
  EXPECT_EQ(LastEvent().type, EventType::kWorkerLeft);
  EXPECT_EQ(LastEvent().reason, "it said goodbye");
}

TEST_F(WorkerSessionsTest, TheEndOfTheStreamOfAWorkerThatLeftIsNoDeath) {
  const WorkerInfo worker = Come();
  sessions_.Leave(worker, [](const absl::Status&) {});
  const Event goodbye = LastEvent();
  sessions_.StreamEnded(worker);
  WaitForTheTimer();
  EXPECT_EQ(LastEvent().sequence, goodbye.sequence);
}

TEST_F(WorkerSessionsTest, TheFiguresKnowAWorkerWhileItIsHere) {
  WorkerInfo worker;
  worker.devices = {{.name = "cuda:0", .description = "a card"}};
  worker = Come(worker);
  const auto recall = [&] {
    return stats_.Recall(absl::Hours(1), clock_.now());
  };
  EXPECT_EQ(recall().workers.count(worker.lessee.id), 1u);
  EXPECT_EQ(recall().devices.count(IdentityOf(worker.devices[0])), 1u);
  sessions_.Leave(worker, [](const absl::Status&) {});
  EXPECT_EQ(recall().workers.count(worker.lessee.id), 0u);
}

TEST_F(WorkerSessionsTest, NobodySpeaksForAnothersWorker) {
  const WorkerInfo worker = Come();
  const std::string name = NameOf(worker.lessee.id);
  const Caller stranger = CallerOf("ipv4:10.0.0.9:1");
  EXPECT_TRUE(sessions_.Find(kCaller, name, "").ok());
  EXPECT_TRUE(sessions_.Find(stranger, name, worker.secret).ok());
  for (const std::string& whom : {name, std::string("workers/999")}) {
    const absl::Status refused = sessions_.Find(stranger, whom, "").status();
    EXPECT_EQ(ReasonOf(refused), Reason::kWorkerNotFound);
    EXPECT_EQ(SubjectOf(refused), whom);
  }
}

}  // namespace
}  // namespace sheaf::server
