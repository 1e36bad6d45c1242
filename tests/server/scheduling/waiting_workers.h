// Workers that wait for work on a store in memory, which has its default queue.
#pragma once

#include <deque>
#include <utility>

#include "base/timer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/queues.h"
#include "server/scheduling/lease_waiters.h"
#include "server/scheduling/worker_places.h"
#include "server/scheduling/workers.h"
#include "server/telemetry/stats_board.h"
#include "tests/queue/builders.h"
#include "tests/queue/memory_store.h"
#include "tests/queue/stores.h"

namespace sheaf::server {

// A store in memory whose writes wait, from Hold on, until they are let go.
class HeldStore final : public Store {
 public:
  explicit HeldStore(const TestClock* clock) : store_(clock) {}

  void Hold() { holds_ = true; }
  void LetGo() {
    holds_ = false;
    while (!held_.empty()) {
      auto [use_case, done] = std::move(held_.front());
      held_.pop_front();
      store_.Write(std::move(use_case), std::move(done));
    }
  }

 private:
  void StartWrite(WriteCase use_case, Done done, CallOptions options) override {
    if (holds_) {
      held_.emplace_back(std::move(use_case), std::move(done));
    } else {
      store_.Write(std::move(use_case), std::move(done), std::move(options));
    }
  }
  void StartRead(ReadCase use_case, Done done, CallOptions options) override {
    store_.Read(std::move(use_case), std::move(done), std::move(options));
  }

  MemoryStore store_;
  bool holds_ = false;
  std::deque<std::pair<WriteCase, Done>> held_;
};

class WaitingWorkersTest : public ::testing::Test {
 protected:
  // Not testing::Test's private function of that name.
  using Run = ::sheaf::Run;

  explicit WaitingWorkersTest(LeasePolicy* policy = nullptr)
      : waiters_({.store = &store_,
                  .timer = &timer_,
                  .workers = &workers_,
                  .places = &places_,
                  .stats = &stats_,
                  .policy = policy,
                  .now = [this] { return clock_.now(); },
                  .lease_duration = kLease}) {
    Write(store_, [](Tx& tx) {
      EnsureDefaultQueue(tx);
      return true;
    });
  }
  // Before the members of a subclass go, which waits may still name.
  void TearDown() override { timer_.Stop(); }

  Job SubmitJob(NewJob job) {
    return Write(store_, [&](Tx& tx) { return Submit(tx, MakeJob(job)); })
        .value()
        .job;
  }
  Run FindRun(RunId id) {
    return Read(store_, [&](View& view) { return view.FindRun(id); }).value();
  }
  Event LastEvent() {
    return Read(store_, [](View& view) {
      return view.Events(view.LastSequence() - 1, 1).at(0);
    });
  }

  TestClock clock_;
  HeldStore store_{&clock_};
  Timer timer_;
  WorkerRegistry workers_;
  StatsBoard stats_;
  WorkerPlaces places_{
      {.taker = [this](WorkerId worker) { return workers_.Taker(worker); },
       .free_in = [](WorkerId, absl::Time) { return std::nullopt; }}};
  LeaseWaiters waiters_;
};

}  // namespace sheaf::server
