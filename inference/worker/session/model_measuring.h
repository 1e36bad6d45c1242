// Decides when a worker measures its models: while it has nothing to do, and
// one figure at a time, asking for work in between.
//
// Owned by the session; all functions but Heard are for its thread.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "inference/worker/session/client.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::worker {

// The part of an engine that measures its models. For the engine's thread only.
class Measurer {
 public:
  virtual ~Measurer() = default;
  // Marks all models to be measured, also those measured before.
  virtual void WantAll() = 0;
  // Marks the batch's model to be measured, unless it was before.
  virtual void Want(const v1::LeasedBatch& batch) = 0;
  // Whether there is anything left to measure.
  virtual bool wants() const = 0;
  // Finds one more figure. Returns the profiles that it completes, without the
  // worker's name.
  virtual std::vector<v1::ReportProfileRequest> Advance() = 0;
};

class ModelMeasuring {
 public:
  // `measurer` may be null.
  ModelMeasuring(Measurer* measurer, Client* client, bool by_itself)
      : measurer_(measurer), client_(client), by_itself_(by_itself) {}

  // Takes a signal of a registration. Any thread.
  void Heard(const v1::WorkerSignal& signal);
  // The server wants all models measured.
  void Told() { is_told_ = true; }

  // How long to wait for work: at most `longest`, at most a second if there is
  // something to measure, and not at all while a measurement is ordered or
  // under way.
  absl::Duration Wait(absl::Duration longest) const;
  // The worker has leased this batch.
  void Ran(const v1::LeasedBatch& batch);
  // No work has come within Wait().
  void Idle(const Terms& terms);

 private:
  Measurer* const measurer_;
  Client* const client_;
  const bool by_itself_;
  std::atomic<bool> is_unknown_ = false;  // The server lacks profiles.
  bool is_told_ = false;                  // To measure all.
  bool underway_ = false;
};

}  // namespace sheaf::worker
