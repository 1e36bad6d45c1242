// Threads that read: each has a connection of its own, on which nothing can be
// written, and serves one use case at a time from one snapshot.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "queue/sqlite/connection.h"
#include "queue/sqlite/task_queue.h"
#include "queue/store.h"

namespace sheaf {

class ReaderPool {
 public:
  struct Options {
    std::string path;
    std::string vfs;
    int threads = 2;
    int reads_max = 4096;  // waiting or running
    absl::Duration read_time_max = absl::Seconds(10);
    std::function<absl::Time()> now;
    std::function<void(const std::string&)> log;
  };

  explicit ReaderPool(Options options);
  ~ReaderPool() { Stop(); }
  // Serves what waits and ends the threads. Whoever reads after that is
  // refused.
  void Stop();

  // Any thread. `done` runs on a reader's thread.
  void Read(Store::ReadCase use_case, Store::Done done);

 private:
  struct Task {
    Store::ReadCase use_case;
    Store::Done done;
  };

  void Loop();
  absl::Status RunOn(std::unique_ptr<Connection>* db, Task& task);

  const Options options_;
  std::atomic<int> under_way_ = 0;
  TaskQueue<Task> tasks_;
  std::vector<std::thread> threads_;
};

}  // namespace sheaf
