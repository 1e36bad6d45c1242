#include "tests/queue/sqlite/crash_disk.h"

#include <algorithm>

namespace sheaf {
namespace {

constexpr size_t kSector = 512;
constexpr size_t kVersionsMax = 64;

enum Kind {
  kNothing,
  kAll,
  kPrefix,
  kAllButOne,
  kOnlyOne,
  kSubset,
  kSectors,
  kTornLast,
  kKilled
};
static_assert(kKilled + 1 == CrashDisk::kKinds);

void Do(std::string* bytes, const DiskStep& step) {
  const size_t at = static_cast<size_t>(step.at);
  if (step.op == DiskOp::kTruncate) return bytes->resize(at);
  if (bytes->size() < at + step.bytes.size()) {
    bytes->resize(at + step.bytes.size());
  }
  bytes->replace(at, step.bytes.size(), step.bytes);
}

// Writes only the sectors before the `cut`-th byte.
void DoTorn(std::string* bytes, const DiskStep& step, size_t cut) {
  const size_t at = static_cast<size_t>(step.at);
  const size_t edge = (at + cut) / kSector * kSector;
  if (step.op == DiskOp::kTruncate || edge <= at) return;
  DiskStep torn = step;
  torn.bytes.resize(std::min(edge - at, torn.bytes.size()));
  Do(bytes, torn);
}

}  // namespace

void CrashDisk::Apply(const DiskStep& step) {
  if (step.op == DiskOp::kNote) return;
  if (step.op == DiskOp::kDelete) {
    files_.erase(step.file);
    return;
  }
  File& file = files_[step.file];
  const bool log = step.file.ends_with("-wal");
  switch (step.op) {
    case DiskOp::kCreate:
      file = File();
      file.named = step.file.ends_with(".db");
      break;
    case DiskOp::kWrite:
    case DiskOp::kTruncate:
      Do(&file.cached, step);
      file.loose.push_back(step);
      break;
    case DiskOp::kSync:
      file.named = true;
      if (log ? lies_.logs : lies_.database) break;
      for (const DiskStep& loose : file.loose) Do(&file.durable, loose);
      file.loose.clear();
      break;
    case DiskOp::kFailedSync:
      SyncFails(file);
      break;
    default:
      break;
  }
}

void CrashDisk::SyncFails(File& file) {
  const size_t kept = Below(3);  // nothing, a part, all
  for (const DiskStep& loose : file.loose) {
    if (kept == 2 || (kept == 1 && Below(2) == 0)) Do(&file.durable, loose);
  }
  file.loose.clear();
}

Files CrashDisk::CrashState(int kind) {
  Files files;
  for (const auto& [name, file] : files_) {
    if (kind == kKilled) {
      files[name] = file.cached;
    } else if (file.named || Below(2) == 0) {
      files[name] = Survivor(file, kind);
    }
  }
  return files;
}

std::string CrashDisk::Survivor(const File& file, int kind) {
  std::string bytes = file.durable;
  const size_t count = file.loose.size();
  if (count == 0 || kind == kNothing) return bytes;
  if (kind == kSectors) return MixedSectors(file);
  const size_t chosen = Below(count);
  const size_t eighths = 1 + Below(7);
  for (size_t i = 0; i < count; ++i) {
    const DiskStep& step = file.loose[i];
    if (kind == kTornLast && i == chosen) {
      DoTorn(&bytes, step, Below(step.bytes.size() + 1));
      break;
    }
    const bool kept = kind == kAll || (kind == kPrefix && i <= chosen) ||
                      (kind == kTornLast && i < chosen) ||
                      (kind == kAllButOne && i != chosen) ||
                      (kind == kOnlyOne && i == chosen) ||
                      (kind == kSubset && Below(8) < eighths);
    if (kept) Do(&bytes, step);
  }
  return bytes;
}

// Gives every sector one of the versions that it had between two truncates.
std::string CrashDisk::MixedSectors(const File& file) {
  std::vector<size_t> starts{0};
  for (size_t i = 0; i < file.loose.size(); ++i) {
    if (file.loose[i].op == DiskOp::kTruncate) starts.push_back(i + 1);
  }
  const size_t epoch = Below(starts.size());
  const size_t end =
      epoch + 1 < starts.size() ? starts[epoch + 1] - 1 : file.loose.size();
  std::string bytes = file.durable;
  for (size_t i = 0; i < starts[epoch]; ++i) {
    const DiskStep& step = file.loose[i];
    if (step.op == DiskOp::kTruncate || Below(2) == 0) Do(&bytes, step);
  }
  std::vector<std::string> versions{bytes};
  for (size_t i = starts[epoch]; i < end && versions.size() < kVersionsMax;
       ++i) {
    versions.push_back(versions.back());
    Do(&versions.back(), file.loose[i]);
  }
  std::string mixed(versions[Below(versions.size())].size(), '\0');
  for (size_t at = 0; at < mixed.size(); at += kSector) {
    const std::string& version = versions[Below(versions.size())];
    if (at >= version.size()) continue;
    const size_t size =
        std::min({kSector, mixed.size() - at, version.size() - at});
    mixed.replace(at, size, version, at, size);
  }
  return mixed;
}

}  // namespace sheaf
