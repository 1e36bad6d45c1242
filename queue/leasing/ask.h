// The facts of one look for work that all its parts need: the worker that asks,
// and what the queues and owners allow.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "queue/leasing/head_index.h"
#include "queue/leasing/lease.h"

namespace sheaf {

// Whether queues hand out work now, each asked once.
class Doors {
 public:
  explicit Doors(Tx& tx) : tx_(tx) {}

  bool IsOpen(const std::string& name);
  // Its runs are to wait for more.
  void Close(const std::string& name) { open_[name] = false; }

  // Queues that were found open because their pauses are over.
  const std::vector<Queue>& resumed() const { return resumed_; }
  // When the first of the paused ones opens by itself.
  absl::Time next_time() const { return next_time_; }

 private:
  bool Look(const std::string& name);

  Tx& tx_;
  std::map<std::string, bool> open_;
  std::vector<Queue> resumed_;
  absl::Time next_time_ = absl::InfiniteFuture();
};

// How many more runs each owner may have running; each asked once.
class Room {
 public:
  Room(Tx& tx, LeasePolicy* policy) : tx_(tx), policy_(policy) {}

  int64_t Of(const std::string& owner);
  // Leaves out runs for which their owners have no room.
  void Fit(std::vector<LeasedRun>* runs);

 private:
  Tx& tx_;
  LeasePolicy* const policy_;
  std::map<std::string, int64_t> left_;
};

struct Ask {
  Ask(Tx& tx, const Lessee& who, LeasePolicy* policy, HeadIndex& heads);

  // Whether the worker may begin with this head.
  bool MayBegin(const HeadIndex::Place& place);

  Tx& tx;
  const Lessee& who;
  LeasePolicy* const policy;
  HeadIndex& heads;
  // The groups of lanes that the worker serves, apart from the sizes of
  // pictures.
  std::vector<HeadIndex::Group*> groups;
  // The groups of the model that it has loaded.
  std::vector<HeadIndex::Group*> loaded_groups;
  Doors doors;
  Room room;
};

}  // namespace sheaf
