#include "batching/rows/explain_runs.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/queues.h"
#include "queue/submit.h"
#include "tests/queue/memory_store.h"
#include "tests/queue/stores.h"

namespace sheaf::batching {
namespace {

class ExplainRunsTest : public ::testing::Test {
 protected:
  ExplainRunsTest() {
    NewJob job;
    job.shared.model = "sd15";
    job.runs.resize(3);
    job.runs[1].width = 768;
    job_ = sheaf::Write(store_, [&](Tx& tx) {
      EnsureDefaultQueue(tx);
      return Submit(tx, Prepare(job, 1).value()).value().job.id;
    });
  }
  absl::StatusOr<Explanation> Explain(int a, int b) {
    return sheaf::Read(store_, [&](View& view) {
      return ExplainRuns(view, RunId(job_, a), RunId(job_, b), models_);
    });
  }

  ModelTable models_;
  TestClock clock_;
  MemoryStore store_{&clock_};
  JobId job_;
};

TEST_F(ExplainRunsTest, RunsOfOneShapeGoTogether) {
  const auto explanation = Explain(0, 2);
  ASSERT_TRUE(explanation.ok()) << explanation.status();
  EXPECT_TRUE(explanation->mixed);
}

TEST_F(ExplainRunsTest, TheFieldThatKeepsRunsApartIsNamed) {
  const auto explanation = Explain(0, 1);
  ASSERT_TRUE(explanation.ok()) << explanation.status();
  EXPECT_FALSE(explanation->mixed);
  EXPECT_THAT(explanation->Text(), ::testing::HasSubstr("width"));
}

TEST_F(ExplainRunsTest, ARunThatIsNotThereIsAnError) {
  EXPECT_EQ(ReasonOf(Explain(0, 9).status()), Reason::kRunNotFound);
}

}  // namespace
}  // namespace sheaf::batching
