// Records what a store did to its files, in order, as a crash would find it.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sheaf {

enum class DiskOp {
  kCreate,
  kWrite,
  kTruncate,
  kSync,
  kFailedSync,  // answered with an error; its effect is unknown
  kDelete,
  kNote,  // no file: a word of the workload, such as an answer
};

struct DiskStep {
  DiskOp op = DiskOp::kNote;
  std::string file;   // its name without the folder
  int64_t at = 0;     // where it was written; the size it was cut to
  std::string bytes;  // what was written; the note
};

// Any thread.
class CrashRecord {
 public:
  void Add(DiskStep step) {
    std::lock_guard lock(mutex_);
    steps_.push_back(std::move(step));
  }
  void Note(std::string text) {
    Add({.op = DiskOp::kNote, .bytes = std::move(text)});
  }
  std::vector<DiskStep> Take() {
    std::lock_guard lock(mutex_);
    return std::exchange(steps_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<DiskStep> steps_;  // guarded by mutex_
};

}  // namespace sheaf
