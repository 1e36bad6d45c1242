// The reports of one lease: when the next one is due, what it says, and what
// the server's reply asks for.
//
// Values only: it makes no call and reads no clock. Owned by a LeaseReporter,
// whose lock guards it; serves one lease after another.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/backoff.h"
#include "inference/worker/session/client.h"
#include "inference/worker/session/engine.h"
#include "inference/worker/session/lease_claim.h"

namespace sheaf::worker {

// Runs that the server wants stopped, as it named them. It may name them again,
// and may name runs that have ended meanwhile.
struct HeartbeatReply {
  std::vector<std::string> cancel_runs;
  std::vector<std::string> release_runs;
};

// A row's picture as it looked after a step.
struct RowPreview {
  int row = 0;
  int step = 0;
  PngMaker picture;
};

// A report that is about to be sent.
struct ProgressReport {
  v1::ReportProgressRequest request;
  // The previews that go along, each with its place in `request.steps()`.
  std::vector<std::pair<int, RowPreview>> previews;
};

// Writes the files of the report's previews into its request, which takes a
// while. A row with a preview is reported at the preview's step; later steps
// come with the next report.
v1::ReportProgressRequest DrawPreviews(ProgressReport report);

class Heartbeat {
 public:
  // Previews hurry a report on, but not more often than `preview_pause`.
  explicit Heartbeat(absl::Duration preview_pause);

  // The lease counts from `now`.
  void Begin(const v1::LeasedBatch& batch, const Terms& terms, absl::Time now);
  // Drops the previews that wait.
  void End() { previews_.clear(); }

  // How far each row has come.
  void Stepped(std::vector<RowSteps> steps);
  // Each preview replaces that of its row that still waits. True if the next
  // report is due earlier for them.
  bool TakePreviews(std::vector<RowPreview> previews);
  void ReportAt(absl::Time time) { report_time_ = time; }
  absl::Time report_time() const { return report_time_; }

  // The report that is due `now`, of the rows without an outcome. The next one
  // is due an interval later.
  ProgressReport Take(const std::vector<bool>& has_outcome, absl::Time now);
  // The server's answer has come: the lease is renewed. Unless it says that the
  // lease is gone, keeps the runs that it names for TakeReply; true if it names
  // any.
  bool Answered(const v1::ReportProgressResponse& answer, absl::Time now);
  // The call failed and is to be tried again soon.
  void Failed(absl::Time now);
  // The replies since the last call, joined.
  HeartbeatReply TakeReply() { return std::exchange(reply_, {}); }

  // The lease counts from the arrival of an answer, so it never ends earlier
  // than by the server's own count.
  bool HasExpired(absl::Time now) const { return now >= lease_end_; }

 private:
  std::vector<std::pair<int, RowPreview>> PreviewsFor(
      const v1::ReportProgressRequest& request);

  const absl::Duration preview_pause_;
  LeaseClaim claim_;
  std::vector<std::string> runs_;
  std::vector<RowSteps> steps_;
  absl::Duration lease_duration_;
  absl::Duration interval_;
  absl::Time lease_end_;
  absl::Time report_time_;
  absl::Time last_report_time_;
  Backoff backoff_;
  std::map<std::string, RowPreview> previews_;  // By run.
  std::size_t preview_turn_ = 0;
  HeartbeatReply reply_;
};

}  // namespace sheaf::worker
