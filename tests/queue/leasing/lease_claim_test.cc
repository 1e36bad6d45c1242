#include "queue/leasing/lease_claim.h"

#include <functional>

#include "queue/leasing/lease.h"
#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

class LeaseClaimTest : public UseCaseTest {
 protected:
  // The claim of a lease, and one run of it.
  struct Held {
    LeaseClaim claim;
    RunId run;
  };
  static Held HeldOf(const Leased& leased, int index = 0) {
    return {ClaimOf(leased.batch), leased.runs.at(index).run.id};
  }
  absl::StatusOr<RunParams> Ask(const Held& held) {
    return Read(
        [&](View& view) { return ParamsHeld(view, held.claim, held.run); });
  }
  void ExpectLost(const Held& claim) {
    const auto params = Ask(claim);
    EXPECT_EQ(ReasonOf(params.status()), Reason::kLeaseLost)
        << params.status().ToString();
  }
};
SHEAF_FOR_ALL_STORES(LeaseClaimTest);

TEST_P(LeaseClaimTest, AHeldRunTellsWhatItAsksForInAll) {
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

TEST_P(LeaseClaimTest, AnotherWorkerBatchEpochOrRunHoldsNothing) {
  const Job job = Submit({.runs = Runs(1)});
  const Job waiting = Submit({.runs = Runs(1)});
  const Held held = HeldOf(Lease());
  ASSERT_TRUE(Ask(held).ok());
  for (const auto& change : std::vector<std::function<void(Held&)>>{
           [](Held& held) { ++held.claim.worker.value; },
           [](Held& held) { ++held.claim.batch.value; },
           [](Held& held) { --held.claim.epoch; },
           [](Held& held) { ++held.claim.epoch; },
           [](Held& held) { held.claim.secret = "another's secret"; },
           [](Held& held) { held.claim.secret.pop_back(); },
           [](Held& held) { held.claim.secret += '!'; },
           [](Held& held) { held.claim.secret.clear(); },
           [&](Held& held) { held.run = RunId(job.id, 1); },
           [&](Held& held) { held.run = RunId(waiting.id, 0); },
           [](Held& held) { held.run = RunId(); }}) {
    Held other = held;
    change(other);
    ExpectLost(other);
  }
}

TEST_P(LeaseClaimTest, WhatHasEndedOrWasTakenAwayIsHeldNoMore) {
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
