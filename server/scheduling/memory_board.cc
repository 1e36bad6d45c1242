#include "server/scheduling/memory_board.h"

#include <algorithm>
#include <utility>

#include "queue/types.h"

namespace sheaf::server {
namespace {

constexpr char kMemory[] = "memory\n";
constexpr int kNoLimit = kRunsPerJobMax;
// Rows that a worker may hold at once (RegisterWorkerRequest.batch_size_max).
constexpr int kRowsMax = 1024;
// Assumed bytes of a device that does not report its own: more than any has.
constexpr double kDeviceBytesMax = 1e13;

}  // namespace

bool MemoryBoard::Recall(const std::string& name, const std::string& value) {
  if (value.size() > kLearnedBytesMax) return false;
  const auto kind = ParseWorkKind(kMemory, name);
  if (!kind) return false;
  const auto bounds = batching::DecodeMemoryBounds(value);
  if (!bounds.ok()) return false;
  absl::MutexLock lock(&mutex_);
  known_[*kind].bounds = *bounds;
  Use(*kind);
  return true;
}

void MemoryBoard::Use(const WorkKind& kind) {
  if (const auto oldest = recent_.Use(kind)) ForgetKind(*oldest);
}

void MemoryBoard::ForgetKind(const WorkKind& kind) {
  if (known_.erase(kind) > 0) changed_.insert(kind);
  recent_.Remove(kind);
}

// Cuts impossible figures to possible ones: they are a worker's word, and a
// worker that reports too much would keep all others' batches small.
void MemoryBoard::Learn(const WorkKind& kind, double device_bytes,
                        const batching::BatchMemory& memory) {
  absl::MutexLock lock(&mutex_);
  if (memory.rows == 0) {
    if (recent_.Contains(kind)) Use(kind);
    return;
  }
  Use(kind);
  MemoryFigures& known = known_[kind];
  if (device_bytes > 0) {
    known.budget = batching::MemoryBudget(
        device_bytes, static_cast<double>(memory.other_bytes));
  }
  const double bytes_max = device_bytes > 0 ? device_bytes : kDeviceBytesMax;
  // Ignores a run-out at no more rows than went through together.
  if (memory.ran_out_rows > memory.rows) {
    known.bounds =
        batching::RanOut(std::move(known.bounds), memory.ran_out_rows);
  }
  known.bounds = batching::Succeeded(
      std::move(known.bounds),
      {std::min(memory.rows, kRowsMax),
       std::min(static_cast<double>(memory.peak_bytes), bytes_max)},
      known.budget);
  changed_.insert(kind);
}

std::set<WorkKind> MemoryBoard::Forget(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  const std::vector<WorkKind> forgotten = recent_.Of(name);
  for (const WorkKind& kind : forgotten) ForgetKind(kind);
  return {forgotten.begin(), forgotten.end()};
}

int MemoryBoard::RowsMax(const WorkKind& kind) const {
  absl::MutexLock lock(&mutex_);
  const auto found =
      NearestLike(known_, kind, [](const MemoryFigures&) { return true; });
  if (found != known_.end()) {
    return batching::RowsMax(found->second.bounds, found->second.budget);
  }
  // Kinds of work are ordered by device, so this finds any kind on the device.
  const auto first = known_.lower_bound({.device = kind.device});
  const bool tells =
      first != known_.end() && first->first.device == kind.device;
  return tells ? batching::RowsMax({}, 0) : kNoLimit;
}

int MemoryBoard::RowsMaxAnywhere(const WorkKind& kind) const {
  std::set<std::string> devices;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [known, figures] : known_) {
      WorkKind there = kind;
      there.device = known.device;
      if (known.IsLike(there)) devices.insert(known.device);
    }
  }
  int most = 0;
  for (const std::string& device : devices) {
    WorkKind there = kind;
    there.device = device;
    most = std::max(most, RowsMax(there));
  }
  return most == 0 ? kNoLimit : most;
}

std::string MemoryBoard::Recommendation(const WorkKind& kind, int knee) const {
  absl::MutexLock lock(&mutex_);
  const auto found = known_.find(kind);
  if (found == known_.end()) return "";
  return batching::Recommendation(found->second.bounds, found->second.budget,
                                  knee);
}

std::map<WorkKind, MemoryFigures> MemoryBoard::Of(
    const std::string& device) const {
  absl::MutexLock lock(&mutex_);
  if (device.empty()) return known_;
  std::map<WorkKind, MemoryFigures> figures;
  for (auto at = known_.lower_bound({.device = device});
       at != known_.end() && at->first.device == device; ++at) {
    figures.insert(*at);
  }
  return figures;
}

std::map<std::string, std::string> MemoryBoard::TakeChanged() {
  std::vector<std::pair<WorkKind, std::optional<MemoryFigures>>> taken;
  {
    absl::MutexLock lock(&mutex_);
    taken = TakeChanges(&changed_, known_);
  }
  std::map<std::string, std::string> changed;
  for (const auto& [kind, value] : taken) {
    changed[NameOf(kMemory, kind)] =
        value ? batching::Encode(value->bounds) : "";
  }
  return changed;
}

}  // namespace sheaf::server
