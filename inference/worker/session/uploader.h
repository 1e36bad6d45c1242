// Writes the files of finished pictures and sends them while other rows go on.
//
// Owned by the session. A few threads take pictures in turn; failures that may
// pass are tried again for a while. Functions may be called from any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inference/worker/session/client.h"
#include "inference/worker/session/engine.h"

namespace sheaf::worker {

class Uploader {
 public:
  // The artifact's name, or why there is none and of what class that is:
  // ENGINE where the file could not be made, TRANSIENT where not be stored.
  using Done = std::function<void(absl::StatusOr<std::string> name,
                                  v1::ErrorClass error_class)>;

  struct Options {
    int thread_count = 4;
    // A disk that stays full must not hold a lease for ever.
    absl::Duration retry_for = absl::Seconds(60);
  };

  Uploader(Client* client, Options options);
  // Drops what is not yet sent.
  ~Uploader();

  // `done` is called from an uploading thread, unless Cancel comes before.
  // `group`: what is waited for and cancelled together, one held batch. Bounded
  // by its caller: one picture for each row of the batches at hand.
  void Upload(int64_t group, PngMaker picture, Done done);

  // True once nothing of the group waits or runs; false if that takes longer
  // than `limit`.
  bool WaitIdle(int64_t group, absl::Duration limit);

  // Drops what waits of the group and interrupts what runs. When it is idle
  // again, no `done` of before is called any more.
  void Cancel(int64_t group);

 private:
  struct Item {
    int64_t group = 0;
    PngMaker picture;
    Done done;
  };
  // One thread, and the group it works for.
  struct Lane {
    CancelSlot slot;
    int64_t group = 0;
    bool busy = false;
    bool dropped = false;
  };

  void Work(Lane* lane);
  absl::StatusOr<std::string> UploadWithRetry(const std::string& png,
                                              Lane* lane);
  void DropLocked(Lane* lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Client* const client_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool quitting_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<int64_t, int> open_ ABSL_GUARDED_BY(mutex_);  // Of each group.
  std::deque<Item> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::thread> threads_;
};

}  // namespace sheaf::worker
