// Threads that read: each has a connection of its own, on which nothing can be
// written, and serves one use case at a time from one snapshot.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/runner.h"
#include "queue/sqlite/connection.h"
#include "queue/sqlite/lines/call_line.h"
#include "queue/sqlite/log_gate.h"
#include "queue/store.h"

namespace sheaf {

class ReaderPool {
 public:
  struct Options {
    std::string path;
    std::string vfs;
    int threads = 2;
    int group_running_max = 0;  // reads of one group at a time; 0: any number
    int reads_max = 4096;       // waiting
    absl::Duration read_time_max = absl::Seconds(10);
    LogGate* gate = nullptr;  // outlives the pool
    std::function<absl::Time()> now;
    std::function<void(const std::string&)> log;
  };

  // Refusals run on `refusals`, which outlives the pool.
  ReaderPool(Options options, Runner* refusals);
  ~ReaderPool() { Stop(); }
  // Serves the reads that wait and ends the threads. Later reads are refused.
  void Stop();

  // Any thread. `done` runs on a reader's thread.
  void Read(Store::ReadCase use_case, Store::Done done, CallOptions options);

 private:
  struct Task {
    Store::ReadCase use_case;
    Store::Done done;
    std::function<bool()> cancelled;  // may be empty
  };
  using Line = CallLine<Task>;

  void Loop();
  absl::Status RunOn(std::unique_ptr<Connection>* db, Task& task);
  void Refuse(Line::Refused refused);

  const Options options_;
  Runner* const refusals_;
  Line line_;
  std::vector<std::thread> threads_;
};

}  // namespace sheaf
