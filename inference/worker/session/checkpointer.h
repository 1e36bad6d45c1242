// Leaves at the server where rows have got to, so that a worker after this one
// can go on from there.
//
// Owned by the session. A thread of its own sends; of a row that has moved on
// before its turn came, only the newest state is sent, so that a slow server
// holds up no step and no more than one state per row is kept. What cannot be
// sent is dropped: the next one says more. Only of a row that is handed back
// the session waits until it is sent. All functions are the session thread's.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "inference/worker/session/client.h"
#include "inference/worker/session/engine.h"

namespace sheaf::worker {

class Checkpointer {
 public:
  struct Options {
    // A run is saved no more often than this, however short its steps: less
    // work than that is not worth a file.
    absl::Duration pause = absl::Seconds(1);
    // In place of the clock, in tests.
    std::function<absl::Time()> now;
  };

  Checkpointer(Client* client, Options options);
  // Drops what is not yet sent.
  ~Checkpointer();

  // What the server has of a row of `batch`; empty where it has nothing, or
  // does not say in a few seconds. For Engine::SetFetchSaved.
  std::string Fetch(const std::string& worker, const v1::LeasedBatch& batch,
                    int row);

  // The engine has taken on the run: from where it goes.
  void Begun(const std::string& run, RowSteps from);
  // The run at `index` of the batch has come to `step`: calls `save` and sends
  // what it returns, if it is time to.
  void Stepped(const std::string& worker, const v1::LeasedBatch& batch,
               int index, int step, const std::function<std::string()>& save);
  // The run is about to be handed back: leaves at the server what `save`
  // returns, before this comes back. Nothing where workers save no checkpoints
  // of the batch, or nothing has been done since the last one. False where the
  // server did not take it within a few seconds.
  bool HandBack(const std::string& worker, const v1::LeasedBatch& batch,
                int index, int step, const std::function<std::string()>& save);
  // Nothing of the run is of interest any more.
  void Ended(const std::string& run);

 private:
  struct Mark {
    int step = 0;  // saved last, or begun with
    absl::Time time;
  };
  struct Item {
    v1::CheckpointHeader header;
    std::string bytes;
  };

  static Item ItemOf(const std::string& worker, const v1::LeasedBatch& batch,
                     int index, int step);
  absl::Time Now() const;
  void Put(Item item);
  void Work();
  bool Send(const Item& item, CancelSlot* slot, absl::Duration deadline);
  // Drops what waits of the run.
  void Forget(const std::string& run);

  Client* const client_;
  const Options options_;
  std::map<std::string, Mark> marks_;  // By run; of those at hand.
  CancelSlot slot_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool quitting_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Item> waiting_ ABSL_GUARDED_BY(mutex_);  // One for each run.
  std::atomic<int> failures_ = 0;                     // In a row.
  std::thread thread_;
};

}  // namespace sheaf::worker
