// Writes the files of finished pictures and sends them while other rows go on.
//
// Owned by the session. A few threads take pictures in turn; failures that may
// pass are tried again for a while. Functions may be called from any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/steady_clock.h"
#include "inference/worker/session/client.h"
#include "inference/worker/session/engine.h"

namespace sheaf::worker {

class Uploader {
 public:
  // Takes the artifact's name, or the error and its class: ENGINE if the file
  // could not be made, TRANSIENT if it could not be stored.
  using Done = std::function<void(absl::StatusOr<std::string> name,
                                  v1::ErrorClass error_class)>;

  struct Options {
    int thread_count = 4;
    // A disk that stays full must not hold a lease for ever.
    absl::Duration retry_for = absl::Seconds(60);
  };

  Uploader(Client* client, Options options);
  // Drops the pictures that are not yet sent.
  ~Uploader();

  // An uploading thread calls `done`, unless Cancel comes before. A `group`,
  // the pictures of one active batch, is waited for and cancelled together. The
  // caller bounds the number of pictures: those of each row of the active
  // batches.
  void Upload(int64_t group, PngMaker picture, Done done);

  // True once no picture of the group waits or is being sent; false if that
  // takes longer than `limit`.
  bool WaitIdle(int64_t group, absl::Duration limit);

  // Drops the group's waiting pictures and interrupts the others. Once the
  // group is idle again, no `done` of an earlier picture is called any more.
  void Cancel(int64_t group);

 private:
  struct Item {
    int64_t group = 0;
    PngMaker picture;
    Done done;
  };
  // The work of one thread.
  struct Lane {
    int64_t group = 0;
    bool busy = false;
    bool dropped = false;
  };

  void Work(int lane);
  // Makes the picture's file and sends it, on the thread of `lane`.
  void Send(const Item& item, int lane) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<std::string> UploadWithRetry(const std::string& png, int lane)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Drop(int lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Client* const client_;
  const Options options_;
  absl::Mutex mutex_;
  SteadyCondition changed_;
  bool quitting_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<int64_t, int> open_ ABSL_GUARDED_BY(mutex_);  // Pictures by group.
  std::deque<Item> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<Lane> lanes_ ABSL_GUARDED_BY(mutex_);
  std::deque<CancelSlot> slots_;  // One of each lane; itself of any thread.
  std::vector<std::thread> threads_;
};

}  // namespace sheaf::worker
