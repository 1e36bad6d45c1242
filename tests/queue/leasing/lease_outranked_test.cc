// A batch gives way to runs that outrank it.
#include "queue/queues.h"
#include "tests/queue/puppet.h"
#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LeaseOutrankedTest : public UseCaseTest {
 protected:
  LeaseOutrankedTest() { PreemptFrom(Priority::kHigh); }

  void PreemptFrom(std::optional<Priority> priority) {
    Write([&](Tx& tx) {
      const QueuePatch patch = PatchOf(&QueueSettings::preempt_from, priority);
      EXPECT_TRUE(UpdateQueue(tx, kDefaultQueue, patch, 0).ok());
      return 0;
    });
  }
  Leased Hold(NewJob job = {}) {
    Submit(std::move(job));
    const auto leased = Write([&](Tx& tx) {
      return sheaf::Lease(tx, MakeWorker({}), kLease, &puppet_).leased;
    });
    EXPECT_TRUE(leased.has_value());
    return leased.value_or(Leased());
  }
  // Asks after a second in which no free worker has come.
  std::optional<RunId> Outranks(const Leased& held, Lessee worker = {}) {
    clock_.Advance(absl::Seconds(1));
    return Write([&](Tx& tx) {
      return OutrankedBy(tx, held.batch.id, MakeWorker(std::move(worker)),
                         &puppet_);
    });
  }
  RunId First(const Job& job) { return RunId(job.id, 0); }

  Puppet puppet_;
};
SHEAF_FOR_ALL_STORES(LeaseOutrankedTest);

TEST_P(LeaseOutrankedTest, BySomethingHigherThatTheWorkerWouldGet) {
  const Leased held = Hold();
  EXPECT_EQ(Outranks(held), std::nullopt);
  const Job high = Submit({.priority = Priority::kHigh});
  EXPECT_EQ(Outranks(held), First(high));
}

TEST_P(LeaseOutrankedTest, OnlyWhereTheQueueSaysSo) {
  const Leased held = Hold();
  Submit({.priority = Priority::kHigh});
  PreemptFrom(Priority::kUrgent);
  EXPECT_EQ(Outranks(held), std::nullopt);
  PreemptFrom(std::nullopt);
  EXPECT_EQ(Outranks(held), std::nullopt);
}

TEST_P(LeaseOutrankedTest, NotByItsEquals) {
  const Leased held = Hold({.priority = Priority::kHigh});
  Submit({.priority = Priority::kHigh});
  EXPECT_EQ(Outranks(held), std::nullopt);
}

TEST_P(LeaseOutrankedTest, NotAtOnceSinceAnotherWorkerMayBeFree) {
  const Leased held = Hold();
  const Job high = Submit({.priority = Priority::kHigh});
  EXPECT_EQ(Write([&](Tx& tx) {
              return OutrankedBy(tx, held.batch.id, MakeWorker({}), &puppet_);
            }),
            std::nullopt);
  EXPECT_EQ(Outranks(held), First(high));
}

TEST_P(LeaseOutrankedTest, NotByWhatTheWorkerCannotDoOrIsNotDue) {
  const Leased held = Hold();
  Submit({.kind = "upscale", .priority = Priority::kHigh});
  Submit(
      {.priority = Priority::kHigh, .run_time = clock_.now() + absl::Hours(1)});
  EXPECT_EQ(Outranks(held, {.kinds = {"inference"}}), std::nullopt);
}

TEST_P(LeaseOutrankedTest, NotWhereItsOwnerMayRunNoMore) {
  const Leased held = Hold();
  Submit({.priority = Priority::kHigh});
  puppet_.running_max = 1;
  EXPECT_EQ(Outranks(held), std::nullopt);
}

TEST_P(LeaseOutrankedTest, ThenTheHeartbeatHandsAllOfItBack) {
  const Leased held = Hold({.runs = std::vector<RunParams>(2)});
  const auto beat = [&](bool give_way) {
    return Write([&](Tx& tx) {
      return Heartbeat(tx, ClaimOf(held.batch), kLease, give_way);
    });
  };
  EXPECT_THAT(beat(false).release, IsEmpty());
  EXPECT_THAT(beat(true).release,
              ElementsAre(held.runs[0].run.id, held.runs[1].run.id));
}

}  // namespace
}  // namespace sheaf
