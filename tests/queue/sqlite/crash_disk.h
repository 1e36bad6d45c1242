// Computes what a disk may hold after a power failure, from what was done to
// it.
//
// The model: any part of the writes since a file's last sync may be there; each
// sector of 512 bytes is whole, in any of the versions that it had. A truncate
// is one step, with the later writes or without them, as file systems with a
// journal do it. A log's first sync also makes its name durable; the database
// has its name from the start. A failed sync may have kept some, all or none of
// its writes, and the next sync does not make up for it.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/queue/sqlite/crash_record.h"
#include "tests/queue/sqlite/crash_vfs.h"

namespace sheaf {

// Syncs that the disk only pretends to make.
struct DiskLies {
  bool logs = false;
  bool database = false;
};

class CrashDisk {
 public:
  CrashDisk(DiskLies lies, uint64_t seed) : lies_(lies), random_(seed) {}

  void Apply(const DiskStep& step);

  static constexpr int kKinds = 9;
  // One state in which a crash may leave the files now, of the `kind`-th kind:
  // without the unsynced writes, with all of them, ... ; the last kind is a
  // killed process, after which the system still has all writes.
  Files CrashState(int kind);

 private:
  struct File {
    std::string durable;
    std::string cached;           // as the running system reads it
    std::vector<DiskStep> loose;  // since the last sync
    bool named = false;           // its name is durable
  };

  size_t Below(size_t count) { return random_() % count; }
  std::string Survivor(const File& file, int kind);
  std::string MixedSectors(const File& file);
  void SyncFails(File& file);

  const DiskLies lies_;
  std::mt19937_64 random_;
  std::map<std::string, File> files_;
};

}  // namespace sheaf
