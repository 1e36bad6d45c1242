// A file system that fails on order: a shim over SQLite's default VFS.
//
// Counts the writes, syncs and reads of the files under it, and from the n-th
// one on fails `failures` of them. All other calls go through unchanged. One
// per process; any thread.
#pragma once

#include <cstdint>

namespace sheaf {

enum class FaultOn { kNothing, kWrite, kSync, kRead, kWriteOrSync };
enum class FaultWith { kIoError, kDiskFull };

struct FaultPlan {
  FaultOn on = FaultOn::kNothing;
  FaultWith with = FaultWith::kIoError;
  int64_t at = 0;        // the n-th such call, counted from 1
  int64_t failures = 1;  // how many fail, from there on
};

// The name to open databases by; registers the VFS at the first call.
const char* FaultVfsName();

// Arms `plan` and counts from zero.
void SetFaultPlan(const FaultPlan& plan);

// Calls of the plan's kind that were made, and failed, since it was set.
int64_t FaultCallsSeen();
int64_t FaultsInjected();

}  // namespace sheaf
