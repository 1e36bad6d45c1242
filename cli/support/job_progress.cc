#include "cli/support/job_progress.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "cli/support/flag_values.h"
#include "cli/support/output.h"
#include "cli/support/states.h"

namespace sheaf::cli {
namespace {

double PartOf(const v1::Progress& progress) {
  return static_cast<double>(progress.step()) / progress.step_count();
}

std::string StepText(const v1::Progress& progress) {
  return absl::StrCat("step ", progress.step(), "/", progress.step_count());
}

// ", ready in 5s"; empty once the time has passed.
std::string ReadyText(absl::Time ready, absl::Time now) {
  return ready > now ? absl::StrCat(", ready ", AgeText(ready, now)) : "";
}

}  // namespace

int EndedRuns(const v1::Job& job) {
  int ended = 0;
  for (const RunStateFacts& facts : kRunStates) {
    if (facts.final) ended += CountIn(job.run_counts(), facts.state);
  }
  return ended;
}

std::string CountsText(const v1::Job& job) {
  std::string text =
      absl::StrCat(EndedRuns(job), "/", job.run_count(), " runs ended");
  if (job.has_success_ratio()) {
    absl::StrAppendFormat(&text, ", %.0f%% succeeded",
                          job.success_ratio() * 100);
  }
  // The runs that wait or succeeded are the rest.
  for (const RunStateFacts& facts : kRunStates) {
    if (facts.state == RunState::kQueued) continue;
    if (facts.state == RunState::kSucceeded) continue;
    const int count = CountIn(job.run_counts(), facts.state);
    if (count > 0) absl::StrAppend(&text, ", ", count, " ", ToAbsl(facts.word));
  }
  return text;
}

std::string ProgressText(const v1::Progress& progress, absl::Time now) {
  std::string text = StepText(progress);
  if (progress.has_eta()) text += ReadyText(FromProto(progress.eta()), now);
  const v1::BatchProgress& batch = progress.batch();
  std::vector<std::string> parts;
  const auto add = [&parts](int count, const char* word) {
    if (count > 0) parts.push_back(absl::StrCat(count, " ", word));
  };
  add(batch.running_run_count(), "running");
  add(batch.succeeded_run_count(), "succeeded");
  add(batch.failed_run_count(), "failed");
  if (batch.memory_bytes() > 0)
    parts.push_back(BytesText(batch.memory_bytes()));
  if (parts.empty()) return text;
  return absl::StrCat(text, "; its batch: ", absl::StrJoin(parts, ", "));
}

void RunningRuns::Take(const v1::WatchEventsResponse& message) {
  const v1::RunProgressed& step = message.progress();
  if (step.progress().step_count() > 0) runs_[step.run()] = step.progress();
  for (const auto& run : message.event().runs()) runs_.erase(run.run());
}

double RunningRuns::done() const {
  double done = 0;
  for (const auto& [run, progress] : runs_) done += PartOf(progress);
  return done;
}

std::string RunningRuns::Text(absl::Time now) const {
  if (runs_.empty()) return "";
  const v1::Progress* last = &runs_.begin()->second;
  absl::Time ready = absl::InfinitePast();
  std::map<std::string, int64_t> batches;  // What each holds.
  for (const auto& [run, progress] : runs_) {
    if (PartOf(progress) < PartOf(*last)) last = &progress;
    if (progress.has_eta()) ready = std::max(ready, FromProto(progress.eta()));
    batches[progress.batch().name()] = progress.batch().memory_bytes();
  }
  std::string text = StepText(*last) + ReadyText(ready, now);
  int64_t held = 0;
  for (const auto& [batch, bytes] : batches) held += bytes;
  if (held > 0) absl::StrAppend(&text, ", ", BytesText(held));
  return text;
}

}  // namespace sheaf::cli
