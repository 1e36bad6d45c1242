// How many runs fit a device together, for each kind of work: learned from the
// memory that batches held, as their workers report it
// (batching/pricing/memory.h).
//
// Owned by the server. Any thread. Maintenance stores what was learned.
#pragma once

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "batching/pricing/memory.h"
#include "batching/pricing/work_kind.h"
#include "server/scheduling/recent_kinds.h"

namespace sheaf::server {

// The known memory of one kind of work.
struct MemoryFigures {
  batching::MemoryBounds bounds;
  // Bytes; infinite until a batch has reported what others hold.
  double budget = std::numeric_limits<double>::infinity();
};

class MemoryBoard {
 public:
  // Takes in a stored figure; false where it is not of memory, or cannot be
  // read.
  bool Recall(const std::string& name, const std::string& value);

  // Learns from the memory that a batch held on a device of `device_bytes` (0:
  // not known). A figure above the memory of the device is cut to that. Learns
  // nothing from a batch of no rows, whose worker did not report.
  void Learn(const WorkKind& kind, double device_bytes,
             const batching::BatchMemory& memory);
  // Forgets the figures of the model or device `name`, or all where `name` is
  // empty. Answers the kinds of work that it forgot.
  std::set<WorkKind> Forget(const std::string& name);

  // How many runs of such work fit its device together: at least 1, and 1 for
  // work that is new to the device; where only its number of controls is new,
  // as many as of the nearest number. No limit for a device that has never
  // reported what a batch held.
  int RowsMax(const WorkKind& kind) const;
  // The same for the device that takes most, whatever device the kind names; no
  // limit where no batch of such work has reported what it held.
  int RowsMaxAnywhere(const WorkKind& kind) const;
  // "batch size 6 fits; 4 is the knee"; empty where nothing is known.
  std::string Recommendation(const WorkKind& kind, int knee) const;
  // The figures of one device, or of all where `device` is empty.
  std::map<WorkKind, MemoryFigures> Of(const std::string& device) const;

  // As of PricesBoard.
  std::map<std::string, std::string> TakeChanged();

 private:
  void Use(const WorkKind& kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetKind(const WorkKind& kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::map<WorkKind, MemoryFigures> known_ ABSL_GUARDED_BY(mutex_);
  RecentKinds recent_ ABSL_GUARDED_BY(mutex_);
  // Kinds that were learned or forgotten since they were last taken.
  std::set<WorkKind> changed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf::server
