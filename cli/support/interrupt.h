// Ctrl-C: ends the program at once and leaves nothing half-written behind.
#pragma once

#include <string>

namespace sheaf::cli {

// From now on SIGINT removes the file of the living TemporaryFileGuard, if
// there is one, ends the terminal's line and then the program, as SIGINT does
// by itself: a shell calls that status 130. Call once, from main.
void ExitOnInterrupt();

// While it lives, an interrupt removes `name` in the directory `directory`.
// One at a time; call from the main thread only.
class TemporaryFileGuard {
 public:
  TemporaryFileGuard(int directory, const std::string& name);
  ~TemporaryFileGuard();
  TemporaryFileGuard(const TemporaryFileGuard&) = delete;
  TemporaryFileGuard& operator=(const TemporaryFileGuard&) = delete;
};

}  // namespace sheaf::cli
