#include "server/use_cases/worker_orders.h"

#include "tests/server/scheduling/waiting_workers.h"

namespace sheaf::server {
namespace {

class WorkerOrdersTest : public WaitingWorkersTest {
 protected:
  void Attach(int64_t id, bool measures) {
    WorkerInfo info;
    info.lessee = MakeWorker({.id = WorkerId{id}});
    info.measures = measures;
    workers_.Attach(info, [](const WorkerNudge&) {});
  }
  // Waits for work in the name of the worker; `ended_` says whether it was told
  // to wait no longer.
  void Wait(int64_t id) {
    waiters_.Wait(MakeWorker({.id = WorkerId{id}}),
                  clock_.now() + absl::Hours(1),
                  [this](const auto&) { ended_ = true; });
  }

  const WorkerOrders orders_{&workers_, &waiters_};
  bool ended_ = false;
};

TEST_F(WorkerOrdersTest, ADrainingWorkerWaitsForNoWork) {
  Attach(3, false);
  Wait(3);
  ASSERT_FALSE(ended_);
  const auto worker = orders_.Drain("workers/3");
  ASSERT_TRUE(worker.ok()) << worker.status();
  EXPECT_TRUE(worker->draining);
  EXPECT_TRUE(ended_);
}

TEST_F(WorkerOrdersTest, AWorkerThatCannotMeasureIsNotAsked) {
  Attach(3, false);
  EXPECT_EQ(ReasonOf(orders_.Calibrate("workers/3").status()),
            Reason::kInvalidField);
  EXPECT_FALSE(workers_.MustCalibrate(WorkerId{3}));
}

TEST_F(WorkerOrdersTest, AWorkerMeasuresWhenItNextAsksForWork) {
  Attach(3, true);
  Wait(3);
  ASSERT_TRUE(orders_.Calibrate("workers/3").ok());
  EXPECT_TRUE(workers_.MustCalibrate(WorkerId{3}));
  EXPECT_TRUE(ended_);
}

TEST_F(WorkerOrdersTest, AWorkerThatIsNotHereIsNamed) {
  for (const absl::Status& status : {orders_.Drain("workers/9").status(),
                                     orders_.Calibrate("workers/9").status()}) {
    EXPECT_EQ(ReasonOf(status), Reason::kWorkerNotFound);
    EXPECT_EQ(SubjectOf(status), "workers/9");
  }
}

TEST_F(WorkerOrdersTest, ADrainIsAnEventOfTheWorker) {
  Write(store_, [](Tx& tx) { return NoteDraining(tx, "w3").ok(); });
  const Event event = LastEvent();
  EXPECT_EQ(event.type, EventType::kWorkerDraining);
  EXPECT_EQ(event.worker, "w3");
}

}  // namespace
}  // namespace sheaf::server
