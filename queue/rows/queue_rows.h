// The rows of queues, and the counts of the owners whose runs are in them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "queue/types.h"

namespace sheaf {

class QueueReads {
 public:
  virtual ~QueueReads() = default;

  virtual std::vector<Queue> Queues() = 0;
  virtual std::optional<Queue> FindQueue(const std::string& name) = 0;

  // An owner's counts of runs, zero where it has none; and the counts of all
  // owners that have some, by name.
  virtual OwnerCounts CountsOf(const std::string& owner) = 0;
  virtual std::vector<OwnerCounts> Owners() = 0;
};

class QueueWrites {
 public:
  virtual ~QueueWrites() = default;

  virtual void SaveQueue(const Queue& queue) = 0;
  virtual void DeleteQueue(const std::string& name) = 0;
};

}  // namespace sheaf
