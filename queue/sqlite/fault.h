// The meaning of an exception of the storage: whose fault it is, what the
// caller is told, and whether the connection may be used again.
#pragma once

#include <exception>
#include <string>

#include "absl/status/status.h"

namespace sheaf {

enum class FaultKind {
  kOurs,       // a bug: a broken constraint, a wrong statement
  kStopped,    // it took longer than it may
  kBrokenRow,  // one row is malformed
  kDisk,     // the disk failed or is full: this connection is not to be trusted
  kDamaged,  // the file is damaged
};

struct Fault {
  FaultKind kind = FaultKind::kOurs;
  absl::Status status;  // for callers
  std::string text;     // for the log
  // The connection must be closed: its pages may differ from those on disk.
  bool poisons() const {
    return kind == FaultKind::kDisk || kind == FaultKind::kDamaged;
  }
};

// The fault of a SQLite::Exception, a BrokenRow, or any other exception that a
// closure threw.
Fault FaultOf(const std::exception& thrown);

}  // namespace sheaf
