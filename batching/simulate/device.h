// A device that exists on a virtual clock: it takes the time that the cost
// model says, step by step, so that runs can join and leave between steps. A
// batch that starts together takes what CostModel::Batch says. One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "batching/rows/cost.h"
#include "batching/rows/rows.h"

namespace sheaf::batching {

class VirtualDevice {
 public:
  struct Ended {
    uint32_t row = 0;
    double at_ms = 0;
  };

  // Borrows both.
  VirtualDevice(const RowSet* set, const CostModel* model,
                Computation computation)
      : set_(*set), model_(*model), computation_(computation) {}

  // Lets time pass; only while empty.
  void IdleUntil(double ms) { now_ms_ = std::max(now_ms_, ms); }
  // Takes rows in, between two steps: loads their model where that changes, and
  // encodes their prompts. They have the same key as the rows under way.
  void Admit(absl::Span<const uint32_t> rows);
  // One step of all rows; those that are done are decoded and leave.
  std::vector<Ended> Step();

  double now_ms() const { return now_ms_; }
  double gpu_ms() const { return gpu_ms_; }  // without changes of model
  int64_t swaps() const { return swaps_; }
  int64_t row_steps() const { return row_steps_; }  // rows summed over steps
  int64_t steps() const { return steps_; }
  int live() const { return static_cast<int>(live_.size()); }
  // The loaded model (BatchKey::loaded), or nothing yet.
  static constexpr uint32_t kNothing = 0xffffffff;
  uint32_t loaded() const { return loaded_; }

 private:
  struct Live {
    uint32_t row = 0;
    const CostClass* cost = nullptr;
    int step = 0;
  };
  double StepTime();
  void Spend(double ms) {
    now_ms_ += ms;
    gpu_ms_ += ms;
  }

  const RowSet& set_;
  const CostModel& model_;
  const Computation computation_;
  std::vector<Live> live_;
  std::vector<int> control_rows_;  // scratch, by control
  double now_ms_ = 0;
  double gpu_ms_ = 0;
  int64_t swaps_ = 0;
  int64_t row_steps_ = 0;
  int64_t steps_ = 0;
  uint32_t loaded_ = kNothing;
};

}  // namespace sheaf::batching
