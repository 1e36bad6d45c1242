#include "queue/sqlite/fault.h"

#include "queue/error.h"
#include "queue/sqlite/connection.h"

namespace sheaf {
namespace {

constexpr absl::Duration kRetryAfter = absl::Seconds(1);
constexpr absl::Duration kLaterAfter = absl::Seconds(10);

Fault DiskFault(Reason reason, const std::string& text) {
  return {FaultKind::kDisk, WithRetryAfter(Error(reason, text), kRetryAfter),
          text};
}

Fault FaultOfCode(int code, const std::string& text) {
  switch (code) {
    case SQLITE_CONSTRAINT:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
      return {FaultKind::kOurs,
              Error(Reason::kInternal, "the store refused a statement"), text};
    case SQLITE_INTERRUPT:
      return {FaultKind::kStopped,
              WithRetryAfter(Error(Reason::kOverloaded,
                                   "the call takes longer than a call may"),
                             kLaterAfter),
              text};
    case SQLITE_FULL:
      return DiskFault(Reason::kDiskFull, text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {FaultKind::kDamaged, Error(Reason::kStoreCorrupt, text), text};
    default:
      return DiskFault(Reason::kStoreUnavailable, text);
  }
}

}  // namespace

Fault FaultOf(const std::exception& thrown) {
  if (const auto* sqlite = dynamic_cast<const SQLite::Exception*>(&thrown)) {
    const int code = sqlite->getErrorCode();
    return FaultOfCode(code & 0xff, std::string(thrown.what()) + " (SQLite " +
                                        std::to_string(code) + ")");
  }
  if (dynamic_cast<const BrokenRow*>(&thrown) != nullptr) {
    return {FaultKind::kBrokenRow, Error(Reason::kStoreCorrupt, thrown.what()),
            thrown.what()};
  }
  return {FaultKind::kOurs,
          Error(Reason::kInternal, "a use case ended by an exception"),
          thrown.what()};
}

}  // namespace sheaf
