#include "queue/leasing/hold.h"

#include <functional>

#include "queue/leasing/lease.h"
#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

class HoldTest : public UseCaseTest {
 protected:
  // A lease and one run of it.
  struct Held {
    Hold hold;
    RunId run;
  };
  static Held HeldOf(const Leased& leased, int index = 0) {
    return {HoldOf(leased.batch), leased.runs.at(index).run.id};
  }
  absl::StatusOr<RunParams> Ask(const Held& held) {
    return Read(
        [&](View& view) { return ParamsHeld(view, held.hold, held.run); });
  }
  void ExpectLost(const Held& hold) {
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
    const auto params = Ask(HeldOf(leased, index));
    ASSERT_TRUE(params.ok()) << params.status().ToString();
    EXPECT_EQ(Encode(*params), Encode(leased.runs[index].params));
    EXPECT_EQ(params->steps, 30);
  }
}

TEST_P(HoldTest, AnotherWorkerBatchEpochOrRunHoldsNothing) {
  const Job job = Submit({.runs = Runs(1)});
  const Job waiting = Submit({.runs = Runs(1)});
  const Held held = HeldOf(Lease());
  ASSERT_TRUE(Ask(held).ok());
  for (const auto& change : std::vector<std::function<void(Held&)>>{
           [](Held& held) { ++held.hold.worker.value; },
           [](Held& held) { ++held.hold.batch.value; },
           [](Held& held) { --held.hold.epoch; },
           [](Held& held) { ++held.hold.epoch; },
           [](Held& held) { held.hold.secret = "another's secret"; },
           [](Held& held) { held.hold.secret.pop_back(); },
           [](Held& held) { held.hold.secret += '!'; },
           [](Held& held) { held.hold.secret.clear(); },
           [&](Held& held) { held.run = RunId(job.id, 1); },
           [&](Held& held) { held.run = RunId(waiting.id, 0); },
           [](Held& held) { held.run = RunId(); }}) {
    Held other = held;
    change(other);
    ExpectLost(other);
  }
}

TEST_P(HoldTest, WhatHasEndedOrWasTakenAwayIsHeldNoMore) {
  Submit({.runs = Runs(1)});
  const Leased ended = LeaseAndFinish(Succeeded{});
  ExpectLost(HeldOf(ended));
  Submit({.runs = Runs(1)});
  const Leased first = Lease();
  Write([&](Tx& tx) {
    EndLeasesOf(tx, first.batch.worker, LeaseEnd::kHandedBack);
  });
  ExpectLost(HeldOf(first));
  const Leased second = Lease();
  ASSERT_EQ(second.runs.at(0).run.id, first.runs.at(0).run.id);
  ExpectLost(HeldOf(first));
  EXPECT_TRUE(Ask(HeldOf(second)).ok());
}

}  // namespace
}  // namespace sheaf
