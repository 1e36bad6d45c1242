// How the store is: set by its threads, read by anyone.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "queue/durable_store.h"

namespace sheaf {

class HealthBoard {
 public:
  // `on_distrust` may end the process, and had better.
  explicit HealthBoard(
      std::function<void(const std::string&)> on_distrust = nullptr)
      : on_distrust_(std::move(on_distrust)) {}

  StoreHealth Get() const {
    std::lock_guard lock(mutex_);
    StoreHealth health = health_;
    if (long_log_) {
      health.warnings.push_back(
          "the log (sheaf.db-wal) is long and cannot be cut back: another "
          "program reads sheaf.db, and has not ended its read");
    }
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
  // Says why only few calls may still write; empty where nothing is short.
  void SetShortage(std::string shortage) {
    std::lock_guard lock(mutex_);
    shortage_ = std::move(shortage);
  }
  // Says whether something outside of the store holds on to the log.
  void SetLongLog(bool is_long) {
    std::lock_guard lock(mutex_);
    long_log_ = is_long;
  }
  void SetBootCheck(std::string result) {
    std::lock_guard lock(mutex_);
    health_.boot_check = std::move(result);
  }
  void AddWarning(std::string warning) {
    std::lock_guard lock(mutex_);
    health_.warnings.push_back(std::move(warning));
  }
  // Allows no more writes until the program starts again, since the file is
  // damaged, or would be: all are refused with this.
  void Condemn(absl::Status refusal) {
    std::lock_guard lock(mutex_);
    if (condemned_.ok()) condemned_ = std::move(refusal);
  }
  // Does the same where not even reads can be relied on until then.
  void Distrust(const absl::Status& refusal) {
    Condemn(refusal);
    if (on_distrust_) on_distrust_(std::string(refusal.message()));
  }
  absl::Status condemned() const {
    std::lock_guard lock(mutex_);
    return condemned_;
  }

 private:
  const std::function<void(const std::string&)> on_distrust_;
  mutable std::mutex mutex_;
  StoreHealth health_;      // guarded by mutex_
  std::string shortage_;    // guarded by mutex_
  bool long_log_ = false;   // guarded by mutex_
  absl::Status condemned_;  // guarded by mutex_
};

}  // namespace sheaf
