// A session at work between a fake server and an engine of the test's choice.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "inference/worker/session/session.h"
#include "inference/worker/simulated/simulated_engine.h"
#include "tests/base/fake_steady_clock.h"
#include "tests/inference/worker/fake_engine.h"
#include "tests/inference/worker/fake_server.h"

namespace sheaf::worker {

inline constexpr int kFarMoreSteps = 1000;

class SessionTest : public ::testing::Test {
 protected:
  ~SessionTest() override {
    StopAndJoin();
    for (const std::string& call : server_.Snapshot().unproven) {
      ADD_FAILURE() << call << " does not show its secret";
    }
  }

  // An engine that outlives the session.
  template <class T, class... Arguments>
  T& Keep(Arguments&&... arguments) {
    auto kept = std::make_shared<T>(std::forward<Arguments>(arguments)...);
    kept_.push_back(kept);
    return *kept;
  }

  void Run(Engine* engine, SessionOptions options = {}) {
    options.hello.set_display_name("test");
    session_ = std::make_unique<Session>(std::move(options), &client_, engine);
    result_ =
        std::async(std::launch::async, [this] { return session_->Run(); });
  }

  // Whether Run has come back within `limit`.
  bool Returns(absl::Duration limit = absl::Seconds(5)) {
    return result_.wait_for(absl::ToChronoNanoseconds(limit)) ==
           std::future_status::ready;
  }

  absl::Status Result() const { return result_.get(); }

  void StopAndJoin() {
    if (session_ == nullptr) return;
    session_->Stop();
    engine_.Allow(kFarMoreSteps);
    result_.wait();
    session_.reset();
  }

  // Brings the engine into the middle of step `step` of a batch, and waits
  // until the worker has read the server's answer to a report.
  void GiveOrdersDuringStep(int step,
                            const v1::ReportProgressResponse& orders) {
    engine_.Allow(step - 1);
    ASSERT_TRUE(engine_.WaitForStepsBegun(step));
    std::size_t seen = 0;
    server_.With([&](FakeServerState& state) {
      state.orders = orders;
      seen = state.reports.size();
    });
    // A worker that has lost its lease reports no more; otherwise a second
    // report shows that the answer to the first has been read.
    for (std::size_t more = 1; more <= (orders.lease_lost() ? 1 : 2); ++more) {
      server_.Signal(/*report_now=*/true, /*drain=*/false);
      ASSERT_TRUE(server_.WaitUntil([&](const FakeServerState& state) {
        return state.reports.size() >= seen + more;
      }));
    }
    if (orders.lease_lost()) absl::SleepFor(absl::Milliseconds(100));
  }

  SimulatedEngineOptions Fast() {
    SimulatedEngineOptions options;
    options.time_scale = 0;
    options.allow_faults = true;
    return options;
  }

  // Options of a session on the clock that the test turns.
  SessionOptions OnClock() {
    SessionOptions options;
    options.clock = &clock_;
    return options;
  }

  // Turns that clock, and waits until a reporter or the session has done what
  // is due.
  void Advance(absl::Duration duration) {
    clock_.Advance(duration);
    ASSERT_TRUE(clock_.WaitForWaiters());
  }

  // Turns that clock, a second at a time, until `holds` comes true. For calls
  // over a connection that comes back by gRPC's own clock.
  bool AdvanceUntil(const std::function<bool(const FakeServerState&)>& holds) {
    for (int turns = 0; turns < 1000; ++turns) {
      if (server_.WaitUntil(holds, absl::Milliseconds(10))) return true;
      clock_.Advance(absl::Seconds(1));
    }
    return false;
  }

  FakeSteadyClock clock_;
  FakeServer server_;
  Client client_{MakeChannel(server_.address())};
  FakeEngine engine_;
  std::vector<std::shared_ptr<void>> kept_;
  std::unique_ptr<Session> session_;
  std::shared_future<absl::Status> result_;
};

}  // namespace sheaf::worker
