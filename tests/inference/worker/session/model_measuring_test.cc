#include "inference/worker/session/model_measuring.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/inference/worker/batches.h"
#include "tests/inference/worker/session_fixture.h"

namespace sheaf::worker {
namespace {

// Measures a model of three figures, and records the calls.
class FakeMeasurer : public Measurer {
 public:
  void WantAll() override {
    ++all;
    left = 3;
  }
  void Want(const v1::LeasedBatch& batch) override {
    wanted = batch.name();
    left = 3;
  }
  bool wants() const override { return left > 0; }
  std::vector<v1::ReportProfileRequest> Advance() override {
    if (at_figure) at_figure();
    if (--left > 0) return {};
    v1::ReportProfileRequest profile;
    profile.set_model("m");
    return {profile};
  }

  std::atomic<int> all = 0;
  std::atomic<int> left = 0;
  std::string wanted;
  std::function<void()> at_figure;
};

class ModelMeasuringTest : public SessionTest {
 protected:
  ~ModelMeasuringTest() override { StopAndJoin(); }

  void RunWith(bool by_itself) {
    SessionOptions options;
    options.measurer = &measurer_;
    options.measures_by_itself = by_itself;
    engine_.Allow(kFarMoreSteps);
    Run(&engine_, std::move(options));
  }
  bool Reported(size_t count) {
    return server_.WaitUntil([&](const FakeServerState& state) {
      return state.profiles.size() >= count;
    });
  }
  void Tell() {
    server_.With([](FakeServerState& state) { state.calibrate_all = true; });
  }

  FakeMeasurer measurer_;
};

TEST_F(ModelMeasuringTest, AModelThatNobodyKnowsIsMeasuredAfterItsFirstBatch) {
  server_.With([](FakeServerState& state) { state.calibrate = true; });
  RunWith(/*by_itself=*/true);
  server_.AddBatch(MakeBatch(1, {{}}));
  ASSERT_TRUE(Reported(1));
  EXPECT_EQ(server_.Snapshot().profiles[0].worker(), "workers/1");
  EXPECT_EQ(measurer_.all, 0);
  StopAndJoin();
  EXPECT_EQ(measurer_.wanted, "batches/1");
}

TEST_F(ModelMeasuringTest, NothingIsMeasuredThatTheServerKnows) {
  RunWith(/*by_itself=*/true);
  server_.AddBatch(MakeBatch(1, {{}}));
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  StopAndJoin();
  EXPECT_EQ(measurer_.wanted, "");
}

TEST_F(ModelMeasuringTest, WhereItIsOffOnlyAnOrderMeasures) {
  server_.With([](FakeServerState& state) { state.calibrate = true; });
  RunWith(/*by_itself=*/false);
  server_.AddBatch(MakeBatch(1, {{}}));
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  Tell();
  ASSERT_TRUE(Reported(1));
  StopAndJoin();
  EXPECT_EQ(measurer_.wanted, "");
  EXPECT_EQ(measurer_.all, 1);
}

TEST_F(ModelMeasuringTest, WorkThatComesMeanwhileGoesFirst) {
  server_.With([](FakeServerState& state) { state.calibrate = true; });
  bool added = false;
  measurer_.at_figure = [&] {
    if (std::exchange(added, true)) return;
    server_.AddBatch(MakeBatch(2, {{}}));
  };
  RunWith(/*by_itself=*/true);
  server_.AddBatch(MakeBatch(1, {{}}));
  ASSERT_TRUE(server_.WaitForOutcomes(2));
  EXPECT_TRUE(server_.Snapshot().profiles.empty());
  EXPECT_TRUE(Reported(1));
  StopAndJoin();
}

}  // namespace
}  // namespace sheaf::worker
