// Another program that makes the same steps, for a comparison: it reads one
// JSON object per line and answers each with one.
//
//   {"open": "tiny", "config": {...}, "scheduler": {...}, "steps": 30,
//    "tokens": 77, "side": 16, "dtype": "fp32", "device": "cpu",
//    "threads": 2}
//   {"begin": 4}          takes up that many new rows
//   {"make": 10}          answers {"ms": [...]}, one for each step
//   {"sample": 0}         answers {"sample": [...]}, of that row
//
// On failure it answers {"error": "why"}. One thread.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/json.h"

namespace sheaf::engine {

class Peer {
 public:
  // A shell runs `command`. UNAVAILABLE where no process can be started.
  static absl::StatusOr<std::unique_ptr<Peer>> Start(
      const std::string& command);
  // The program ends when its input ends.
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Sends the line and waits for the answer. UNAVAILABLE where the program has
  // gone, FAILED_PRECONDITION with its own words where it answers an error.
  absl::StatusOr<Json> Ask(const std::string& line);

 private:
  Peer(pid_t pid, int socket) : pid_(pid), socket_(socket) {}

  const pid_t pid_;
  const int socket_;
  std::string unread_;
};

}  // namespace sheaf::engine
