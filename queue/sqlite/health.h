// How the store is: set by its threads, read by anyone.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace sheaf {

struct StoreHealth {
  bool writable = true;
  std::string problem;     // why it is not, or not for all
  std::string boot_check;  // "running", "ok", "failed: ..." or "off"
  std::vector<std::string> warnings;
};

class HealthBoard {
 public:
  StoreHealth Get() const {
    std::lock_guard lock(mutex_);
    StoreHealth health = health_;
    if (!shortage_.empty()) {
      health.writable = false;
      if (health.problem.empty()) health.problem = shortage_;
    }
    if (!condemned_.ok()) {
      health.writable = false;
      health.problem = std::string(condemned_.message());
    }
    return health;
  }
  void SetProblem(std::string problem) {
    std::lock_guard lock(mutex_);
    health_.writable = problem.empty();
    health_.problem = std::move(problem);
  }
  // Only few calls may still write, and why; empty where nothing is short.
  void SetShortage(std::string shortage) {
    std::lock_guard lock(mutex_);
    shortage_ = std::move(shortage);
  }
  void SetBootCheck(std::string result) {
    std::lock_guard lock(mutex_);
    health_.boot_check = std::move(result);
  }
  void AddWarning(std::string warning) {
    std::lock_guard lock(mutex_);
    health_.warnings.push_back(std::move(warning));
  }
  // No more writes until the program starts anew, as the file is damaged, or
  // would be: all are refused with this.
  void Condemn(absl::Status refusal) {
    std::lock_guard lock(mutex_);
    condemned_ = std::move(refusal);
  }
  absl::Status condemned() const {
    std::lock_guard lock(mutex_);
    return condemned_;
  }

 private:
  mutable std::mutex mutex_;
  StoreHealth health_;     // guarded by mutex_
  std::string shortage_;   // guarded by mutex_
  absl::Status condemned_; // guarded by mutex_
};

}  // namespace sheaf
