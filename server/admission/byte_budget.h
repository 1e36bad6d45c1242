// Counts the bytes that calls hold in memory until the store has taken them, so
// that many calls at once cannot fill the memory. Small calls have a share of
// their own: they are not refused because of large ones.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"

namespace sheaf::server {

// Any thread. Outlives its holds.
class ByteBudget {
 public:
  static constexpr int64_t kSmall = 1 << 20;  // up to this, a call is small

  ByteBudget(int64_t small_max, int64_t large_max)
      : shares_{{small_max}, {large_max}} {}

  struct Share {
    const int64_t bytes_max;
    std::atomic<int64_t> held = 0;
  };

  // Gives its bytes back when it is destroyed.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept { *this = std::move(other); }
    Hold& operator=(Hold&& other) noexcept {
      Resize(0);
      share_ = std::exchange(other.share_, nullptr);
      bytes_ = std::exchange(other.bytes_, 0);
      return *this;
    }
    ~Hold() { Resize(0); }
    // Changes the number of bytes, once it is known better.
    void Resize(int64_t bytes);

   private:
    friend class ByteBudget;
    Share* share_ = nullptr;
    int64_t bytes_ = 0;
  };

  // OVERLOADED where too many are held. A call that is alone is always let in.
  absl::StatusOr<Hold> Take(int64_t bytes);

 private:
  Share shares_[2];
};

}  // namespace sheaf::server
