#include "server/use_cases/batch_offers.h"

#include <string>
#include <vector>

#include "tests/base/temp_folder.h"
#include "tests/server/scheduling/waiting_workers.h"
#include "tests/server/scheduling/work.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr WorkerId kId{3};

class BatchOffersTest : public WaitingWorkersTest {
 protected:
  BatchOffersTest() {
    checkpoints_ = CheckpointStore::Open(directory_, {}).value();
    offers_ = std::make_unique<BatchOffers>(
        BatchOffers::Parts{.store = &store_,
                           .workers = &workers_,
                           .lease_waiters = &waiters_,
                           .planner = &planner_,
                           .under_way = &under_way_,
                           .checkpoints = checkpoints_.get(),
                           .now = [this] { return clock_.now(); },
                           .preview_steps = 5,
                           .checkpoint_steps = 10});
    worker_.lessee = MakeWorker({.id = kId});
    worker_.measures = true;
    workers_.Attach(worker_, [](const WorkerNudge&) {});
  }

  std::shared_ptr<BatchOffers::Asked> Ask(WorkQuestion question = {}) {
    question.wait = absl::Seconds(30);
    return offers_->Ask(worker_, question,
                        [this](absl::StatusOr<BatchOffer> offer) {
                          answers_.push_back(std::move(offer));
                        });
  }
  // The one answer that there was.
  BatchOffer Answer() {
    EXPECT_THAT(answers_, SizeIs(1));
    return std::move(answers_.at(0)).value();
  }

  const TempFolder temp_;
  const std::string directory_ = temp_.path();
  PricesBoard prices_{Flat()};
  MemoryBoard memory_;
  Arrivals arrivals_;
  LeasePlanner planner_{{},
                        {.prices = &prices_,
                         .memory = &memory_,
                         .places = &places_,
                         .arrivals = &arrivals_,
                         .count_workers = [] { return 1; }}};
  BatchesUnderWay under_way_{&prices_};
  std::unique_ptr<CheckpointStore> checkpoints_;
  std::unique_ptr<BatchOffers> offers_;
  WorkerInfo worker_;
  std::vector<absl::StatusOr<BatchOffer>> answers_;
};

TEST_F(BatchOffersTest, ABatchThatIsTakenCountsForItsOwnersAndItsWorker) {
  SubmitJob({.owner = "ann", .runs = Runs(2)});
  Ask();
  const BatchOffer offer = Answer();
  ASSERT_TRUE(offer.leased);
  EXPECT_THAT(offer.leased->runs, SizeIs(2));
  EXPECT_EQ(offer.preview_steps, 5);
  EXPECT_EQ(offer.checkpoint_steps, 10);
  EXPECT_GT(planner_.Given()["ann"], absl::ZeroDuration());
  EXPECT_EQ(under_way_.size(), 1u);
}

TEST_F(BatchOffersTest, AnOfferNamesTheStepsThatItsRunsHaveSaved) {
  const Job job = SubmitJob({.runs = Runs(2)});
  const RunId second(job.id, 1);
  const RunParams params = Read(store_, [&](View& view) {
    return Merge(view.SharedParams(job.id), view.OwnParams(second));
  });
  ASSERT_TRUE(checkpoints_
                  ->Save({.run = second,
                          .epoch = 1,
                          .step = 12,
                          .request = RequestDigest(params),
                          .bytes = "state"})
                  .ok());
  Ask();
  EXPECT_THAT(Answer().saved_steps, ElementsAre(0, 12));
}

TEST_F(BatchOffersTest, ABatchThatComesForAWorkerThatHasLeftIsHandedBack) {
  const Job job = SubmitJob({.owner = "ann", .runs = Runs(1)});
  store_.Hold();
  const auto asked = Ask();
  asked->Leave();
  EXPECT_THAT(answers_, IsEmpty()) << "the lease is under way";
  store_.LetGo();
  EXPECT_FALSE(Answer().leased);
  const Run run = FindRun(RunId(job.id, 0));
  EXPECT_EQ(run.attempt, 1) << "it was leased";
  EXPECT_EQ(run.state, RunState::kQueued);
  EXPECT_EQ(run.failures, 0);
  EXPECT_THAT(planner_.Given(), IsEmpty());
  EXPECT_EQ(under_way_.size(), 0u);
}

TEST_F(BatchOffersTest, AWaitEndsWithNothingWhereItsWorkerLeaves) {
  const auto asked = Ask();
  ASSERT_THAT(answers_, IsEmpty());
  asked->Leave();
  EXPECT_FALSE(Answer().leased);
}

TEST_F(BatchOffersTest, ADrainingWorkerIsToldToLeaveThoughThereIsWork) {
  SubmitJob({.runs = Runs(1)});
  worker_.draining = true;
  Ask();
  const BatchOffer offer = Answer();
  EXPECT_TRUE(offer.drain);
  EXPECT_FALSE(offer.leased);
}

TEST_F(BatchOffersTest, AnOrderToMeasureEndsTheWaitAndIsGivenOnce) {
  workers_.Calibrate(kId);
  Ask();
  EXPECT_TRUE(Answer().calibrate);
  Ask();
  EXPECT_THAT(answers_, SizeIs(1)) << "the second waits";
}

TEST_F(BatchOffersTest, AWorkerThatStepsRowsIsNotToldToMeasure) {
  SubmitJob({.runs = Runs(1)});
  Ask();
  const Batch batch = Answer().leased.value().batch;
  workers_.Calibrate(kId);
  const auto asked =
      Ask({.beside = batch.id, .secret = batch.secret, .row_count = 1});
  ASSERT_THAT(answers_, SizeIs(1)) << "the second waits";
  asked->Leave();
  EXPECT_TRUE(workers_.MustCalibrate(kId));
}

TEST_F(BatchOffersTest, NobodyJoinsABatchThatIsNotHis) {
  SubmitJob({.runs = Runs(1)});
  Ask();
  const Batch batch = Answer().leased.value().batch;
  Ask({.beside = batch.id, .secret = "another's secret", .row_count = 1});
  ASSERT_THAT(answers_, SizeIs(2));
  EXPECT_EQ(ReasonOf(answers_[1].status()), Reason::kLeaseLost);
}

TEST_F(BatchOffersTest, AWorkerThatAsksIsAlive) {
  clock_.Advance(absl::Seconds(20));
  Ask();
  EXPECT_EQ(workers_.Find(kId)->heartbeat_time, clock_.now());
}

}  // namespace
}  // namespace sheaf::server
