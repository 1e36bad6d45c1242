#include "queue/leasing/caretaker.h"

#include "tests/queue/faulty_store.h"
#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CaretakerTest : public UseCaseTest {
 protected:
  CaretakerTest()
      : caretaker_(store_.get(),
                   [this](const std::string& line) { log_.push_back(line); }) {}

  bool Round(const Maintenance& maintenance = {}) {
    return caretaker_.Round(maintenance).value();
  }
  // A job whose counts say that its run has succeeded, while a worker holds it.
  Job LeaseAndBreak() {
    const Job job = Submit();
    leased_ = Lease();
    Count(job, {.running = -1, .succeeded = 1});
    return job;
  }
  void Count(const Job& job, const RunCounts& delta) {
    Write([&](Tx& tx) { tx.ApplyToJob(job.id, delta, {}); });
  }

  Caretaker caretaker_;
  Leased leased_;
  std::vector<std::string> log_;
};
INSTANTIATE_TEST_SUITE_P(
    On, CaretakerTest,
    testing::Values(StoreKind{"Memory", &NewMemoryStore},
                    StoreKind{"Sqlite", &NewFaultySqliteStore}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_P(CaretakerTest, ALeaseThatCannotBeEndedStopsNothingElse) {
  Configure({.keep_succeeded = absl::Seconds(1)});
  const Job done = Submit();
  LeaseAndFinish(Succeeded{});
  LeaseAndBreak();
  const Job honest = Submit();
  Lease();
  const Job late = Submit({.start_deadline = clock_.now() + absl::Seconds(9)});
  Write([](Tx& tx) {
    for (int i = 0; i < 1000; ++i) {
      tx.AppendEvent({.type = EventType::kWorkerJoined});
    }
  });
  clock_.Advance(kLease);
  while (Round(
      {.events_max = 100, .events_keep = absl::ZeroDuration(), .step = 5})) {
  }
  EXPECT_EQ(GetRun(honest).state, RunState::kQueued);
  EXPECT_EQ(GetRun(late).state, RunState::kFailed);
  EXPECT_FALSE(Read([&](View& view) { return view.FindJob(done.id); }));
  EXPECT_GT(Read([](View& view) { return view.FirstSequence(); }), 100);
  EXPECT_THAT(caretaker_.Problems(),
              ElementsAre(HasSubstr(NameOf(leased_.batch.id))));
  EXPECT_THAT(log_, ElementsAre(HasSubstr(NameOf(leased_.batch.id))));
}

TEST_P(CaretakerTest, OthersAreLeasedWhileOneIsSetAside) {
  LeaseAndBreak();
  clock_.Advance(kLease);
  Round();
  const Job next = Submit();
  const LeaseResult result =
      Write([](Tx& tx) { return sheaf::Lease(tx, MakeWorker(), kLease); });
  ASSERT_TRUE(result.leased);
  EXPECT_EQ(result.leased->runs.at(0).run.id.job(), next.id);
}

TEST_P(CaretakerTest, WhatWasMendedIsDoneAMinuteLater) {
  const Job job = LeaseAndBreak();
  clock_.Advance(kLease);
  Round();
  Count(job, {.running = 1, .succeeded = -1});
  Round();
  EXPECT_EQ(GetRun(job).state, RunState::kRunning) << "not at once";
  clock_.Advance(absl::Minutes(1));
  Round();
  EXPECT_EQ(GetRun(job).state, RunState::kQueued);
  EXPECT_THAT(caretaker_.Problems(), IsEmpty());
  EXPECT_EQ(log_.size(), 1u);
}

TEST_P(CaretakerTest, WhatIsNoLongerThereIsNoProblem) {
  LeaseAndBreak();
  clock_.Advance(kLease);
  Round();
  Write([&](Tx& tx) { tx.DeleteBatch(leased_.batch.id); });
  clock_.Advance(absl::Minutes(1));
  Round();
  EXPECT_THAT(caretaker_.Problems(), IsEmpty());
}

TEST_P(CaretakerTest, ARenewedLeaseIsNotEnded) {
  const Job job = Submit();
  const Leased leased = Lease();
  const Due due{.what = Due::What::kLease, .id = leased.batch.id.value};
  Write([&](Tx& tx) { Settle(tx, due, {}); });
  EXPECT_EQ(GetRun(job).state, RunState::kRunning);
  EXPECT_EQ(Describe(due), "the lease of " + NameOf(leased.batch.id));
}

TEST_P(CaretakerTest, AQueueThatIsGoneBreaksOneLeaseOnly) {
  Write([](Tx& tx) { return CreateQueue(tx, "gone", {}); }).IgnoreError();
  const Job lost = Submit({.queue = "gone"});
  Lease();
  Write([](Tx& tx) { tx.DeleteQueue("gone"); });
  const Job honest = Submit();
  Lease();
  clock_.Advance(kLease);
  Round();
  EXPECT_EQ(GetRun(honest).state, RunState::kQueued);
  EXPECT_EQ(GetRun(lost).state, RunState::kRunning);
  EXPECT_THAT(caretaker_.Problems(), ElementsAre(HasSubstr("queues/gone")));
}

TEST_P(CaretakerTest, EndingAWorkersLeasesEndsThoseThatCanBe) {
  LeaseAndBreak();
  const Job honest = Submit();
  Lease();
  absl::Status fault;
  EndLeasesOf(*store_, WorkerId{1}, LeaseEnd::kHandedBack,
              [&](absl::Status status) { fault = std::move(status); });
  // Answers come in order: after these writes, the answer to EndLeasesOf has
  // come.
  Write([](Tx&) {});
  Write([](Tx&) {});
  EXPECT_EQ(GetRun(honest).state, RunState::kQueued);
  EXPECT_FALSE(fault.ok());
}

}  // namespace
}  // namespace sheaf
