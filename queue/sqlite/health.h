// How the store is: set by its threads, read by anyone.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

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
    if (!condemned_.empty()) {
      health.writable = false;
      health.problem = condemned_;
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
  // The file is damaged: no more writes, until an operator has looked.
  void Condemn(std::string problem) {
    std::lock_guard lock(mutex_);
    condemned_ = std::move(problem);
  }
  std::string condemned() const {
    std::lock_guard lock(mutex_);
    return condemned_;
  }

 private:
  mutable std::mutex mutex_;
  StoreHealth health_;     // guarded by mutex_
  std::string shortage_;   // guarded by mutex_
  std::string condemned_;  // guarded by mutex_
};

}  // namespace sheaf
