#include "inference/engine/tensor/block_cache.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace sheaf::engine {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kKeptMin = size_t{64} << 10;
constexpr size_t kHugePage = size_t{2} << 20;

void* FromSystem(size_t size) {
  void* start = nullptr;
  const bool is_huge = size >= kHugePage;
  if (posix_memalign(&start, is_huge ? kHugePage : kAlignment, size) != 0) {
    return nullptr;
  }
  // Huge pages are a wish: where the system has none, pages are small.
  if (is_huge) madvise(start, size, MADV_HUGEPAGE);
  return start;
}

}  // namespace

size_t BlockCache::RoundedSize(size_t bytes) {
  if (bytes < kKeptMin)
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  const size_t unit = std::bit_floor(bytes) / 8;
  return (bytes + unit - 1) / unit * unit;
}

void* BlockCache::Take(size_t size, size_t kept_max) {
  if (size >= kKeptMin) {
    const std::lock_guard lock(mutex_);
    const auto found = by_size_.find(size);
    if (found != by_size_.end()) {
      void* start = found->second->start;
      by_age_.erase(found->second);
      by_size_.erase(found);
      kept_bytes_ -= size;
      return start;
    }
    TrimLocked(kept_max);
  }
  void* fresh = FromSystem(size);
  if (fresh != nullptr) return fresh;
  Trim(0);
  return FromSystem(size);
}

void BlockCache::Put(void* block, size_t size, size_t kept_max) {
  if (size < kKeptMin) {
    std::free(block);
    return;
  }
  const std::lock_guard lock(mutex_);
  const auto at = by_age_.insert(by_age_.end(), {block, size, {}});
  at->by_size = by_size_.emplace(size, at);
  kept_bytes_ += size;
  TrimLocked(kept_max);
}

size_t BlockCache::kept_bytes() const {
  const std::lock_guard lock(mutex_);
  return kept_bytes_;
}

void BlockCache::Trim(size_t kept_max) {
  const std::lock_guard lock(mutex_);
  TrimLocked(kept_max);
}

void BlockCache::TrimLocked(size_t kept_max) {
  while (kept_bytes_ > kept_max) {
    const Block oldest = by_age_.front();
    by_size_.erase(oldest.by_size);
    by_age_.pop_front();
    kept_bytes_ -= oldest.size;
    std::free(oldest.start);
  }
}

}  // namespace sheaf::engine
