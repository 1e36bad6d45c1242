// Reports of workers about the batches that they hold: how far their runs have
// got, and how they ended.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "batching/pricing/memory.h"
#include "queue/leasing/finish.h"
#include "queue/leasing/lease.h"
#include "queue/leasing/lease_claim.h"
#include "queue/store.h"
#include "server/scheduling/batches_under_way.h"
#include "server/scheduling/lease_planner.h"
#include "server/scheduling/workers.h"
#include "server/telemetry/event_hub.h"
#include "server/telemetry/previews.h"
#include "server/telemetry/progress.h"

namespace sheaf::server {

// A step that a run has got to, with a preview where one was made.
struct ReportedStep {
  RunId run;
  int step = 0;
  int step_count = 0;
  std::string preview;
};

struct ProgressReport {
  LeaseClaim claim;
  std::vector<ReportedStep> steps;
  int64_t memory_bytes = 0;  // the most that the batch has held; 0: not told
};

// The ends of runs, and the figures that only their worker knows.
struct EndReport {
  FinishReport finish;
  std::optional<batching::BatchMemory> memory;  // that the batch has held
  std::optional<absl::Duration> engine_time;    // of the worker, in all
};

// Borrows all its parts. Any thread.
class WorkerReports {
 public:
  struct Parts {
    WorkerRegistry* workers = nullptr;
    LeasePlanner* planner = nullptr;
    BatchesUnderWay* under_way = nullptr;
    ProgressBoard* progress = nullptr;
    PreviewBoard* previews = nullptr;
    EventHub* events = nullptr;
    std::function<absl::Time()> now;
    absl::Duration lease_duration;
  };
  explicit WorkerReports(Parts parts) : parts_(std::move(parts)) {}

  // A step of a run that the report's lease holds and that is running.
  struct NotedStep {
    const ReportedStep* step = nullptr;
    StepProgress progress;
  };
  struct Noted {
    HeartbeatReply orders;
    bool drain = false;            // leave once nothing is under way
    std::vector<NotedStep> steps;  // of the report
  };

  // Renews the lease, notes the steps, and answers the worker's orders. Steps
  // of runs that the lease does not hold are ignored, whoever holds them.
  // LEASE_LOST for a report without a secret: its worker knows no `lost`.
  absl::StatusOr<Noted> Note(Tx& tx, const ProgressReport& report) const;
  // After the commit: tells watchers of the steps, and keeps their previews.
  void Tell(const ProgressReport& report, const Noted& noted) const;

  // Writes the outcomes, as Finish (queue/leasing/finish.h) does, and notes the
  // worker's figures where its claim is good.
  absl::StatusOr<std::vector<RunState>> End(Tx& tx,
                                            const EndReport& report) const;
  // After the commit of a report: its worker is alive.
  void Heard(const LeaseClaim& claim) const;

 private:
  std::vector<NotedStep> NoteSteps(Tx& tx, const Batch& batch,
                                   const ProgressReport& report) const;
  bool GivesWay(Tx& tx, BatchId batch, const Lessee& who) const;
  void NoteFigures(const EndReport& report) const;

  const Parts parts_;
};

}  // namespace sheaf::server
