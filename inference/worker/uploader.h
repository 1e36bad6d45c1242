// Writes the files of finished pictures and sends them while other rows go on.
//
// Owned by the session. A few threads take pictures in turn; failures that may
// pass are tried again for a while. Functions may be called from any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inference/worker/client.h"
#include "inference/worker/engine.h"

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
  // Bounded by its caller: one picture for each row of a batch.
  void Upload(PngMaker picture, Done done);

  // True once nothing waits or runs; false if that takes longer than `limit`.
  bool WaitIdle(absl::Duration limit);

  // Drops what waits and interrupts what runs. When it is idle again, no `done`
  // of before is called any more.
  void Cancel();

 private:
  struct Item {
    PngMaker picture;
    Done done;
    std::int64_t generation = 0;
  };

  void Work(CancelSlot* slot);
  absl::StatusOr<std::string> UploadWithRetry(const std::string& png,
                                              std::int64_t generation,
                                              CancelSlot* slot);

  Client* const client_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool quitting_ ABSL_GUARDED_BY(mutex_) = false;
  std::int64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;  // Up with each Cancel.
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<Item> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<CancelSlot>> slots_;
  std::vector<std::thread> threads_;
};

}  // namespace sheaf::worker
