// The figures that the server learned of each kind of work, prices and memory
// together: as the store keeps them, and as people read them.
//
// Owned by the server. Any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/scheduling/memory_board.h"
#include "server/scheduling/prices_board.h"

namespace sheaf::server {

// The known figures of one kind of work, for people.
struct WorkFigures {
  WorkKind kind;
  int rows_max = 0;             // 0: no limit known
  batching::MemoryBounds held;  // by its batches, as far as they said
  double budget = 0;            // bytes; 0: not known
  std::string recommendation;
  std::string profile;
  bool measured = false;
};

class LearnedFigures {
 public:
  // Borrows both. Gives them what is stored: `learned`, by name.
  LearnedFigures(PricesBoard* prices, MemoryBoard* memory,
                 const std::map<std::string, std::string>& learned);

  // Forgets what was learned of the work of the model or device `name`, or of
  // all work where `name` is empty. Answers how many kinds of work it forgot.
  int Forget(const std::string& name);
  // "batch size 6 fits; 4 is the knee"; empty where nothing is known.
  std::string Recommendation(const WorkKind& kind) const;
  // The figures of all work whose times or memory are known, on one device, or
  // on all where `device` is empty.
  std::vector<WorkFigures> Figures(const std::string& device = "") const;

  // Takes the changes since the last call: names and values to store. A
  // forgotten name has an empty value.
  std::map<std::string, std::string> TakeChanged();

 private:
  PricesBoard& prices_;
  MemoryBoard& memory_;
  absl::Mutex mutex_;
  std::vector<std::string> unreadable_ ABSL_GUARDED_BY(mutex_);  // names
};

}  // namespace sheaf::server
