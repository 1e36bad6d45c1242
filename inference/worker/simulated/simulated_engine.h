// An engine without a device: it takes the time a device would take, makes
// small pictures that depend on the request alone, and fails on order. For
// tests, demonstrations, and measurements of everything but the device.
//
// Owned and called by one thread, as every engine.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "inference/worker/session/engine.h"
#include "inference/worker/session/fault_script.h"

namespace sheaf::worker {

struct SimulatedEngineOptions {
  absl::Duration step_time = absl::Milliseconds(20);  // One step of one row.
  absl::Duration row_time = absl::Milliseconds(5);    // Each further row adds.
  double time_scale = 1;     // Multiplies both; 0 never sleeps.
  int64_t memory_bytes = 0;  // Device memory; 0: as much as needed.
  int64_t row_bytes = 0;     // Memory of one row.
  int steps_default = 20;    // For runs that name none.
  int image_side_max = 64;
  bool images = true;  // False: rows succeed without a picture.
  std::vector<Fault> faults;
  // Whether runs may ask for faults of their own, in extra["sim.fault"]: a
  // client can end the process with them.
  bool allow_faults = false;
  // Replaces the clock in tests.
  std::function<void(absl::Duration)> sleep;
};

class SimulatedEngine : public Engine {
 public:
  explicit SimulatedEngine(SimulatedEngineOptions options);

  std::vector<v1::Device> Devices() const override;
  // Whatever model a run names, it has these defaults.
  v1::Catalog Catalog() const override;
  // A run's own faults, in extra["sim.fault"], strike that run alone; if they
  // are not allowed or cannot be read, the run fails with BAD_INPUT.
  int64_t Add(const v1::LeasedBatch& batch) override;
  std::vector<RowEnd> Step() override;
  RowSteps StepsOf(int64_t row) const override;
  v1::BatchMemory Memory() const override { return memory_; }
  // The final picture, paler the fewer steps are done.
  PngMaker Preview(int64_t row) override;
  absl::Status Health() const override { return health_; }
  void Cancel(int64_t row) override;
  // Returns only the step number, because the picture depends on the request
  // alone.
  std::string Save(int64_t row) override;

  // Hangs, crashes or exits if a fault for `point` applies to a run of `batch`.
  // The program makes it the session's `at_point`.
  void Reach(FaultPoint point, const v1::LeasedBatch& batch);

  // How many groups the rows go in: 1 until memory runs out.
  int group_count() const { return static_cast<int>(groups_.size()); }

 private:
  struct RowFault {
    Fault fault;
    bool own = false;  // From the run itself, not from the command line.
  };
  struct Row {
    std::shared_ptr<const v1::LeasedBatch> batch;
    int index = 0;  // Into the batch's runs.
    bool live = true;
    RowSteps steps;
    std::vector<RowFault> faults;
    std::string fault_error;  // Why the run's own faults cannot be read.
  };
  // Rows that go through the model together.
  using Group = std::vector<int64_t>;

  Row MakeRow(std::shared_ptr<const v1::LeasedBatch> batch, int index) const;
  std::vector<RowFault> FaultsFor(const v1::LeasedBatch& batch, int index,
                                  std::string* error) const;
  std::vector<RowFault> StrikingFaults(const Group& group, int64_t row) const;
  bool RunsOutOfMemory(const Group& group) const;
  void DropEndedRows();
  void NoteMemory(int rows);
  void SplitUntilItFits(std::vector<RowEnd>* ends);
  void StrikeGroup(const Group& group, std::vector<RowEnd>* ends);
  void AdvanceGroup(const Group& group, std::vector<RowEnd>* ends);
  void LoseDevice(std::vector<RowEnd>* ends);
  void FailRow(int64_t row, v1::ErrorClass error_class, std::string message,
               std::vector<RowEnd>* ends);

  const SimulatedEngineOptions options_;
  std::map<int64_t, Row> rows_;
  int64_t next_row_ = 0;
  std::vector<Group> groups_;
  v1::BatchMemory memory_;
  absl::Status health_;
};

}  // namespace sheaf::worker
