#include "queue/types.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "queue/rows/broken_row.h"

namespace sheaf {
namespace {

// The number after `prefix`, where the rest of `name` is one: digits only,
// no sign, no leading zero, so that a thing has one name.
std::optional<int64_t> NumberAfter(std::string_view prefix,
                                   std::string_view name) {
  if (name.substr(0, prefix.size()) != prefix) return std::nullopt;
  name.remove_prefix(prefix.size());
  if (name.empty() || name.size() > 18) return std::nullopt;
  if (name[0] == '0' && name.size() > 1) return std::nullopt;
  int64_t number = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data(), end, number);
  if (error != std::errc() || stop != end || number < 0) return std::nullopt;
  return number;
}

// A job's number must leave room for the index beside it.
bool FitsRunKey(int64_t job) { return job < (int64_t{1} << kIdBits); }

// How many numbers the cell of `last` has left.
int64_t LeftInCell(int64_t last) { return kCountMax - (last & kCountMax); }

}  // namespace

int64_t NextInCell(int64_t last, std::string_view what) {
  if (LeftInCell(last) > 0) return last + 1;
  throw BrokenRow(absl::StrCat("there is no number for another ",
                               std::string(what), ": all ", kCountMax,
                               " were given out"));
}

int64_t SkipInCell(int64_t last, int64_t count) {
  return last + std::min(count, LeftInCell(last));
}

JobState StateOf(const RunCounts& counts) {
  for (const RunState state : kJobStateOrder) {
    if (counts.of(state) > 0) return static_cast<JobState>(state);
  }
  return static_cast<JobState>(*std::rbegin(kJobStateOrder));
}

std::string NameOf(JobId id) { return absl::StrCat("jobs/", id.value); }
std::string NameOf(RunId id) {
  return absl::StrCat("jobs/", id.job().value, "/runs/", id.index());
}
std::string NameOf(BatchId id) { return absl::StrCat("batches/", id.value); }
std::string NameOf(WorkerId id) { return absl::StrCat("workers/", id.value); }
std::string NameOf(PlanId id) { return absl::StrCat("plans/", id.value); }

std::optional<JobId> ParseJobName(std::string_view name) {
  const auto number = NumberAfter("jobs/", name);
  if (!number || !FitsRunKey(*number)) return std::nullopt;
  return JobId{*number};
}

std::optional<RunId> ParseRunName(std::string_view name) {
  const size_t cut = name.find("/runs/");
  if (cut == name.npos) return std::nullopt;
  const auto job = ParseJobName(name.substr(0, cut));
  const auto index = NumberAfter("/runs/", name.substr(cut));
  if (!job || !index || *index >= kRunsPerJobMax) return std::nullopt;
  return RunId(*job, static_cast<int>(*index));
}

std::optional<BatchId> ParseBatchName(std::string_view name) {
  const auto number = NumberAfter("batches/", name);
  if (!number) return std::nullopt;
  return BatchId{*number};
}

std::optional<WorkerId> ParseWorkerName(std::string_view name) {
  const auto number = NumberAfter("workers/", name);
  if (!number) return std::nullopt;
  return WorkerId{*number};
}

}  // namespace sheaf
