#include "inference/worker/session/reporter_pool.h"

#include <gtest/gtest.h>

#include "tests/base/fake_steady_clock.h"
#include "tests/inference/worker/batches.h"
#include "tests/inference/worker/fake_engine.h"
#include "tests/inference/worker/fake_server.h"

namespace sheaf::worker {
namespace {

class ReporterPoolTest : public ::testing::Test {
 protected:
  LeaseReporter* Begin(int id) {
    LeaseReporter* const reporter = pool_.Take();
    reporter->Begin(MakeBatch(id, {{}}),
                    {.worker = "workers/1",
                     .lease_duration = absl::Seconds(10),
                     .heartbeat_interval = absl::Seconds(3)});
    return reporter;
  }

  bool HasReported(const std::string& batch) {
    return server_.WaitUntil([&](const FakeServerState& state) {
      return !state.reports.empty() && state.reports.back().batch() == batch;
    });
  }

  FakeSteadyClock clock_;
  FakeServer server_;
  Client client_{MakeChannel(server_.address())};
  FakeEngine engine_;
  TimedEngine timed_engine_{&engine_};
  ReporterPool pool_{&client_, &timed_engine_, {.clock = &clock_}};
};

// No reporter is there yet when the first batch is on its way, and the one that
// gets the next batch may be busy with the last.
TEST_F(ReporterPoolTest, ASignalIsAlsoForTheBatchThatIsOnItsWay) {
  pool_.ReportSoon();
  LeaseReporter* const first = Begin(1);
  EXPECT_TRUE(HasReported("batches/1"));
  pool_.ReportSoon();
  first->End();
  pool_.Return(first);
  EXPECT_EQ(Begin(2), first);
  EXPECT_TRUE(HasReported("batches/2"));
}

}  // namespace
}  // namespace sheaf::worker
