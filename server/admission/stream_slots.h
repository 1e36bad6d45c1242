// The streams of one kind that are under way (uploads, say): how many there may
// be, whose they are, and how long each may leave the server waiting.
//
// A stream has no place before its first message; the clock between two
// messages runs from its beginning. Where all places are taken and another
// stream asks for one, one stream yields its place. It is one of those that
// bring too little: of the caller who has most places, the slowest. Where no
// stream brings too little, it is one of a caller who has at least two places
// more than the one that asks. Nobody can keep all others out with streams that
// stand still, nor, from one connection or address, with streams that do not.
//
// Owned by the server, outlives its streams. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/timer.h"
#include "server/admission/caller.h"

namespace sheaf::server {

class StreamSlots {
 public:
  struct Options {
    std::string what = "streams";  // as a sentence names them
    int count_max = 64;
    // A stream that leaves the server waiting for longer is ended.
    absl::Duration silence_max = absl::Seconds(10);
    // A stream that has brought less than `pace_bytes` for this long may have
    // to yield its place.
    absl::Duration yield_after = absl::Seconds(1);
    int64_t pace_bytes = 64 << 10;
  };
  // Steady time since any moment, whatever the system's clock does.
  using Clock = std::function<absl::Duration()>;
  // Ends the call with STREAM_IDLE or OVERLOADED. Called once at the most, by
  // any thread, with no lock held, perhaps while the server works on the
  // stream's last message or the stream is being left: so it must use only what
  // it owns, and must not wait.
  using End = std::function<void(const absl::Status&)>;

  class Stream;

  explicit StreamSlots(Options options, Clock clock = SteadyTime);
  StreamSlots(const StreamSlots&) = delete;
  StreamSlots& operator=(const StreamSlots&) = delete;

  // Enters a stream that begins; from now on it waits for its caller.
  std::unique_ptr<Stream> Enter(const Caller& caller, End end);

  // Ends the streams that have been silent for too long.
  void Sweep();
  // Sweeps every second, for as long as the timer runs.
  void SweepBy(Timer* timer);

  int taken() const;

  static absl::Duration SteadyTime();

 private:
  struct Entry {
    Caller caller;
    End end;
    bool placed = false;
    bool ended = false;
    bool waiting = true;
    absl::Duration since;       // when it began to wait, or to be worked on
    absl::Duration slow_since;  // when it last brought pace_bytes
    int64_t bytes = 0;          // since then
    int* of_address = nullptr;  // how many places its address has
    int* of_connection = nullptr;
  };
  using Entries = std::list<Entry>;
  struct Ending {
    End end;
    absl::Status status;
  };

  absl::Status Claim(Entry* entry);
  void Leave(Entries::iterator entry);
  void Place(Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Unplace(Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The stream that makes room for `asking`; null: none has to.
  Entry* Yielding(const Entry& asking) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Ending Dismiss(Entry* entry, absl::Status status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int PlacesOf(const std::string& caller) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const Clock clock_;
  mutable absl::Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> callers_ ABSL_GUARDED_BY(mutex_);  // > 0
  int taken_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A stream's entry among them, left when this is destroyed.
class StreamSlots::Stream {
 public:
  ~Stream() { slots_->Leave(entry_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Takes a place; call it with the first message. OVERLOADED where there is
  // none, and once the stream has been ended. Later calls change nothing.
  absl::Status Claim() { return slots_->Claim(&*entry_); }
  // The caller has done its part, with so many bytes: it is the server's turn.
  void Heard(int64_t bytes);
  // It is the caller's turn: its silence begins now.
  void Waits();

 private:
  friend class StreamSlots;
  Stream(StreamSlots* slots, Entries::iterator entry)
      : slots_(slots), entry_(entry) {}

  StreamSlots* const slots_;
  const Entries::iterator entry_;
};

}  // namespace sheaf::server
