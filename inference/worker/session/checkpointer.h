// Saves the state of rows at the server, so that a later worker can go on from
// there.
//
// Owned by the session; all functions are for its thread. Another thread sends.
// If a row moves on before its state is sent, the newer state replaces the
// older one: a slow server holds up no step, and at most one state per row
// waits. A state that cannot be sent is dropped, because the next one is newer.
// The session waits for the sending only when a row is handed back.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/steady_clock.h"
#include "inference/worker/session/client.h"
#include "inference/worker/session/engine.h"

namespace sheaf::worker {

class Checkpointer {
 public:
  struct Options {
    // A run is saved no more often than this, however short its steps: less
    // work than that is not worth a file.
    absl::Duration pause = absl::Seconds(1);
    // Steady: setting the wall clock back must not stop the saving for an hour.
    SteadyClock* clock = SteadyClock::Real();
  };

  Checkpointer(Client* client, Options options);
  // Drops the states that are not yet sent.
  ~Checkpointer();

  // The state that the server has of a row of `batch`; empty if it has none or
  // does not answer within a few seconds. For Engine::SetFetchSaved.
  std::string Fetch(const std::string& worker, const v1::LeasedBatch& batch,
                    int row);

  // The engine has taken on the run, which goes on from `from`.
  void Begun(const std::string& run, RowSteps from);
  // The run at `index` of the batch has come to `step`. If a checkpoint is due,
  // calls `save` and sends the result.
  void Stepped(const std::string& worker, const v1::LeasedBatch& batch,
               int index, int step, const std::function<std::string()>& save);
  // The run is about to be handed back: sends the result of `save` and waits
  // until the server has it. Sends nothing if the batch has no checkpoints, or
  // if the run has made no step since the last one. False if the server did not
  // take the state within a few seconds.
  bool HandBack(const std::string& worker, const v1::LeasedBatch& batch,
                int index, int step, const std::function<std::string()>& save);
  // The run has ended: forgets it and drops its waiting state.
  void Ended(const std::string& run);

 private:
  struct Mark {
    int step = 0;  // At the last save, or at Begun.
    absl::Time time;
  };
  struct Item {
    v1::CheckpointHeader header;
    std::string bytes;
  };

  static Item ItemOf(const std::string& worker, const v1::LeasedBatch& batch,
                     int index, int step);
  absl::Time Now() const { return options_.clock->Now(); }
  void Put(Item item);
  void Work();
  bool Send(const Item& item, CancelSlot* slot, absl::Duration deadline);
  // Drops the run's waiting state.
  void Forget(const std::string& run);

  Client* const client_;
  const Options options_;
  std::map<std::string, Mark> marks_;  // By run; active runs only.
  CancelSlot slot_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool quitting_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Item> waiting_ ABSL_GUARDED_BY(mutex_);  // At most one per run.
  std::atomic<int> failures_ = 0;                     // In a row.
  std::thread thread_;
};

}  // namespace sheaf::worker
