#include "queue/hold.h"

#include <functional>

#include "queue/lease.h"
#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

class HoldTest : public UseCaseTest {
 protected:
  static Hold HoldOf(const Leased& leased, int index = 0) {
    return {.worker = leased.batch.worker,
            .batch = leased.batch.id,
            .epoch = leased.batch.epoch,
            .run = leased.runs.at(index).run.id};
  }
  absl::StatusOr<RunParams> Ask(const Hold& hold) {
    return Read([&](View& view) { return ParamsHeld(view, hold); });
  }
  void ExpectLost(const Hold& hold) {
    const auto params = Ask(hold);
    EXPECT_EQ(ReasonOf(params.status()), Reason::kLeaseLost)
        << params.status().ToString();
  }
};
SHEAF_FOR_ALL_STORES(HoldTest);

TEST_P(HoldTest, AHeldRunTellsWhatItAsksForInAll) {
  NewJob job{.runs = Runs(2)};
  job.shared.steps = 30;
  Submit(job);
  const Leased leased = Lease();
  for (int index = 0; index < 2; ++index) {
    const auto params = Ask(HoldOf(leased, index));
    ASSERT_TRUE(params.ok()) << params.status().ToString();
    EXPECT_EQ(Encode(*params), Encode(leased.runs[index].params));
    EXPECT_EQ(params->steps, 30);
  }
}

TEST_P(HoldTest, AnotherWorkerBatchEpochOrRunHoldsNothing) {
  const Job job = Submit({.runs = Runs(1)});
  const Job waiting = Submit({.runs = Runs(1)});
  const Hold held = HoldOf(Lease());
  ASSERT_TRUE(Ask(held).ok());
  for (const auto& change : std::vector<std::function<void(Hold&)>>{
           [](Hold& hold) { ++hold.worker.value; },
           [](Hold& hold) { ++hold.batch.value; },
           [](Hold& hold) { --hold.epoch; }, [](Hold& hold) { ++hold.epoch; },
           [&](Hold& hold) { hold.run = RunId(job.id, 1); },
           [&](Hold& hold) { hold.run = RunId(waiting.id, 0); },
           [](Hold& hold) { hold.run = RunId(); }}) {
    Hold other = held;
    change(other);
    ExpectLost(other);
  }
}

TEST_P(HoldTest, WhatHasEndedOrWasTakenAwayIsHeldNoMore) {
  Submit({.runs = Runs(1)});
  const Leased ended = LeaseAndFinish(Succeeded{});
  ExpectLost(HoldOf(ended));
  Submit({.runs = Runs(1)});
  const Leased first = Lease();
  Write([&](Tx& tx) {
    EndLeasesOf(tx, first.batch.worker, LeaseEnd::kHandedBack);
  });
  ExpectLost(HoldOf(first));
  const Leased second = Lease();
  ASSERT_EQ(second.runs.at(0).run.id, first.runs.at(0).run.id);
  ExpectLost(HoldOf(first));
  EXPECT_TRUE(Ask(HoldOf(second)).ok());
}

}  // namespace
}  // namespace sheaf
