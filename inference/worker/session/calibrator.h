// When a worker measures its models: while it has nothing else to do, and
// figure by figure, asking for work in between.
//
// Owned by the session, on whose thread all is called but Heard.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "inference/worker/session/client.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::worker {

// What measures, as an engine has it. One thread, the engine's.
class Measurer {
 public:
  virtual ~Measurer() = default;
  // All models are to be measured, also those that were.
  virtual void WantAll() = 0;
  // The batch's model is to be measured, unless it was.
  virtual void Want(const v1::LeasedBatch& batch) = 0;
  // Whether there is anything left to measure.
  virtual bool wants() const = 0;
  // Finds one more figure. Answers the profiles that it completes, without the
  // worker's name.
  virtual std::vector<v1::ReportProfileRequest> Advance() = 0;
};

class Calibrator {
 public:
  // `measurer` may be null.
  Calibrator(Measurer* measurer, Client* client, bool by_itself)
      : measurer_(measurer), client_(client), by_itself_(by_itself) {}

  // At each registration, any thread.
  void Heard(const v1::WorkerSignal& signal);
  // The server wants all models measured.
  void Told() { is_told_ = true; }

  // How long to wait for work: less than `longest` where there is something to
  // measure, and not at all in the midst of it.
  absl::Duration Wait(absl::Duration longest) const;
  // Such a batch was at hand.
  void Ran(const v1::LeasedBatch& batch);
  // No work has come within Wait().
  void Idle(const Terms& terms);

 private:
  Measurer* const measurer_;
  Client* const client_;
  const bool by_itself_;
  std::atomic<bool> is_unknown_ = false;  // Models are, to the server.
  bool is_told_ = false;                  // To measure all.
  bool underway_ = false;
};

}  // namespace sheaf::worker
