// Blocks of memory that are kept for the next tensor of their size. A step
// makes the same tensors again and again; giving each block back to the system
// and fetching a fresh one, page by page, took more than half of a step's time
// on a virtual machine.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <mutex>

namespace sheaf::engine {

// Any thread.
class BlockCache {
 public:
  // The size of the block that a tensor of `bytes` gets: up to an eighth more,
  // so that tensors of about one size share their blocks.
  static size_t RoundedSize(size_t bytes);

  // A block of exactly that rounded size, of aligned memory. If no kept block
  // fits, it is a fresh one, and the oldest kept blocks are given back until at
  // most `kept_max` bytes are kept. Null where the system has no memory, even
  // after all kept blocks were given back.
  void* Take(size_t size, size_t kept_max);
  // Keeps a block for later, and gives back the oldest ones until at most
  // `kept_max` bytes are kept. Small blocks are always given back: malloc keeps
  // them.
  void Put(void* block, size_t size, size_t kept_max);

  size_t kept_bytes() const;
  // Gives back the oldest blocks until at most `kept_max` bytes are kept.
  void Trim(size_t kept_max);

 private:
  struct Block {
    void* start;
    size_t size;
    std::multimap<size_t, std::list<Block>::iterator>::iterator by_size;
  };

  void TrimLocked(size_t kept_max);

  mutable std::mutex mutex_;
  std::list<Block> by_age_;  // Oldest first. Guarded by mutex_, as the rest.
  std::multimap<size_t, std::list<Block>::iterator> by_size_;
  size_t kept_bytes_ = 0;
};

}  // namespace sheaf::engine
