// An engine that takes a step when the test allows it, and remembers which rows
// were alive in each step.
//
// The session calls the engine's functions; the test calls the others, from any
// thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "inference/worker/session/engine.h"

namespace sheaf::worker {

class FakeEngine : public Engine {
 public:
  // Every row ends after the steps of its request, with `png` as its picture.
  explicit FakeEngine(std::string png = "") : png_(std::move(png)) {}

  std::vector<v1::Device> Devices() const override {
    v1::Device device;
    device.set_name("fake");
    return {device};
  }

  int64_t Add(const v1::LeasedBatch& batch) override {
    std::lock_guard lock(mutex_);
    const int64_t first = static_cast<int64_t>(rows_.size());
    for (const auto& run : batch.runs()) {
      live_.push_back(static_cast<int64_t>(rows_.size()));
      rows_.push_back({0, run.request().steps()});
    }
    return first;
  }

  std::vector<RowEnd> Step() override {
    std::unique_lock lock(mutex_);
    ++steps_begun_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return allowed_ > 0; });
    --allowed_;
    log_.push_back(live_);
    std::vector<RowEnd> ends;
    for (const int64_t row : live_) {
      if (++rows_[row].step == rows_[row].step_count) {
        ends.push_back({.row = row, .png = png_});
      }
    }
    std::erase_if(live_, [this](int64_t row) {
      return rows_[row].step == rows_[row].step_count;
    });
    return ends;
  }

  RowSteps StepsOf(int64_t row) const override {
    std::lock_guard lock(mutex_);
    return rows_[row];
  }

  void Cancel(int64_t row) override {
    std::lock_guard lock(mutex_);
    std::erase(live_, row);
  }

  std::string Save(int64_t row) override {
    std::lock_guard lock(mutex_);
    return std::string(save_bytes_, static_cast<char>('a' + row)) +
           std::to_string(rows_[row].step);
  }

  void Allow(int steps) {
    std::lock_guard lock(mutex_);
    allowed_ += steps;
    changed_.notify_all();
  }

  // Sets how many bytes Save returns beside the step. Call it before the
  // session runs.
  void SetSaveBytes(std::size_t bytes) { save_bytes_ = bytes; }

  // Waits until `count` steps have begun; the last may still wait for Allow.
  bool WaitForStepsBegun(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10),
                             [&] { return steps_begun_ >= count; });
  }

  // The rows alive in each step that was taken.
  std::vector<std::vector<int64_t>> log() const {
    std::lock_guard lock(mutex_);
    return log_;
  }

 private:
  const std::string png_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int allowed_ = 0;
  int steps_begun_ = 0;
  std::size_t save_bytes_ = 1;
  std::vector<RowSteps> rows_;  // All rows ever added.
  std::vector<int64_t> live_;
  std::vector<std::vector<int64_t>> log_;
};

}  // namespace sheaf::worker
