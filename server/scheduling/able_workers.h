// Whether the workers that are here can do the runs of a queue, and why not:
// of a plan's snapshot, taken at one moment. A value; one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "queue/leasing/lease.h"

namespace sheaf::server {

class AbleWorkers {
 public:
  // `here`: all workers that take work.
  explicit AbleWorkers(std::vector<Lessee> here) : here_(std::move(here)) {}

  // No worker is here. Some may come, so all runs count as ones that can be
  // done.
  bool nobody() const { return here_.empty(); }
  // Whether one of them takes runs of the lane; notes a run that none takes.
  bool Take(const Lane& lane);

  // "model 'shape' (2 runs), pictures of 8192x8192 (1 run)": what the noted
  // runs ask for that no worker does; names a few. Empty where none was noted.
  std::string Lacking() const;

 private:
  bool CanDo(const Lane& lane) const;
  std::string WhyNot(const Lane& lane) const;

  std::vector<Lessee> here_;
  std::map<LaneId, std::string> why_not_;  // of the lanes seen; empty: it can
  std::map<std::string, int64_t> lacking_;
};

}  // namespace sheaf::server
