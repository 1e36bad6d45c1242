#include "server/scheduling/dispatcher.h"

#include <vector>

#include "gtest/gtest.h"
#include "tests/batching/builders.h"

namespace sheaf::server {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

class DispatcherTest : public ::testing::Test {
 protected:
  DispatcherTest() {
    lane_.id = LaneId{1};
    lane_.queue = "default";
    lane_.kind = "inference";
    lane_.owner = "ann";
    lane_.model = "base";
    lane_.width = lane_.height = 512;
    for (int i = 0; i < 8; ++i) {
      LeasedRun leased;
      leased.run.id = RunId(JobId{1}, i);
      leased.run.run_time = kNow;
      leased.params = batching::ParamsOf({.seed = i});
      leased.owner = "ann";
      runs_.push_back(leased);
    }
    Load(1);
  }

  Lessee Worker(int64_t id) {
    Lessee who;
    who.id = WorkerId{id};
    who.device = "gpu";
    return who;
  }
  // The worker has had a batch of the lane.
  void Load(int64_t id) {
    Leased leased;
    leased.runs = {runs_[0]};
    turns_.Took(leased, Worker(id), 1, kNow);
  }
  int Share() { return dispatcher_.Share(Worker(1), lane_, runs_, kNow); }

  Lane lane_;
  std::vector<LeasedRun> runs_;
  std::vector<WorkerPlace> others_;
  PricesBoard prices_{batching::SlowDevice()};
  MemoryBoard memory_;
  Turns turns_{{}, [this] { return others_; }};
  BatchChooser chooser_{&prices_, &memory_, [] { return 2; },
                        [this](WorkerId worker, const Lane& lane) {
                          return turns_.IsLoaded(worker, lane);
                        }};
  Dispatcher dispatcher_{{.owner_running_max = 3, .may_split = true},
                         &turns_,
                         &chooser_,
                         &prices_,
                         [this] { return others_; }};
};

TEST_F(DispatcherTest, AloneAWorkerTakesAllOfIt) { EXPECT_EQ(Share(), 8); }

// On devices that gain little from batches, two workers finish sooner than one.
TEST_F(DispatcherTest, AnIdleWorkerWithTheModelGetsAShare) {
  others_ = {{Worker(2)}};
  Load(2);
  EXPECT_LT(Share(), 8);
  EXPECT_GE(Share(), 1);
}

TEST_F(DispatcherTest, NothingIsLeftToAWorkerWithoutTheModelOrWithWork) {
  others_ = {{Worker(2)}};
  EXPECT_EQ(Share(), 8) << "it would have to load the model first";
  Load(2);
  others_[0].free_ms = 10;
  EXPECT_EQ(Share(), 8) << "it is at work";
  others_[0].free_ms = 0;
  others_[0].who.models = std::vector<std::string>{"another"};
  EXPECT_EQ(Share(), 8) << "it does not serve the lane";
}

TEST_F(DispatcherTest, OneRunIsNotSplit) {
  others_ = {{Worker(2)}};
  Load(2);
  runs_.resize(1);
  EXPECT_EQ(Share(), 1);
}

TEST_F(DispatcherTest, ByTimesThatNobodyMeasuredNothingIsSplit) {
  others_ = {{Worker(2)}};
  Load(2);
  Dispatcher unmeasured({.may_split = false}, &turns_, &chooser_, &prices_,
                        [this] { return others_; });
  EXPECT_EQ(unmeasured.Share(Worker(1), lane_, runs_, kNow), 8);
  prices_.Measured({"gpu", "base", 512, 512}, batching::SlowDevice());
  EXPECT_LT(unmeasured.Share(Worker(1), lane_, runs_, kNow), 8);
}

TEST_F(DispatcherTest, AnOwnersLimitIsTheConfiguredOne) {
  EXPECT_EQ(dispatcher_.RunningMax("ann"), 3);
}

}  // namespace
}  // namespace sheaf::server
