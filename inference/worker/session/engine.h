// What makes the pictures, as the worker's session sees it: rows that advance
// together, one step at a time, whatever batches they came with.
//
// The session owns the engine and calls it from one thread only. Between two
// steps it may add and cancel rows; during a step nothing reaches the engine.
// An engine may throw: from Add, and the session fails the rows of that batch;
// from any other function, and it fails all rows still alive. So a fault of one
// row alone is better told as that row's end.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::worker {

// How far one row has come. `step` is 0 before the first step.
struct RowSteps {
  int step = 0;
  int step_count = 0;
};

// Writes a PNG file when it is called: once, from any thread, also when the
// engine is gone. Compressing takes a while, and the next step need not wait.
using PngMaker = std::function<absl::StatusOr<std::string>()>;

// Calls it; INTERNAL with the words of an exception.
inline absl::StatusOr<std::string> MakePng(const PngMaker& maker) {
  try {
    return maker();
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

// How one row ended: with a picture, without one (an engine that was told to
// make none), or with an error.
struct RowEnd {
  int64_t row = 0;
  std::string png;
  v1::ErrorClass error_class =
      v1::ERROR_CLASS_UNSPECIFIED;  // Unset: it went well.
  std::string error_message;
  PngMaker make_png;  // Where set: in place of `png`.

  bool failed() const { return error_class != v1::ERROR_CLASS_UNSPECIFIED; }
};

// What an earlier worker saved of a row that is being taken on; empty where
// there is nothing.
using FetchSaved =
    std::function<std::string(const v1::LeasedBatch& batch, int row)>;

class Engine {
 public:
  virtual ~Engine() = default;

  // Where to get it. Before a batch that has checkpoints.
  virtual void SetFetchSaved(FetchSaved fetch) {
    fetch_saved_ = std::move(fetch);
  }

  // The devices it works on, as the server shows them.
  virtual std::vector<v1::Device> Devices() const = 0;

  // Takes on every run of `batch` as one row, in their order, beside those at
  // hand; answers the first one's number, which the others follow. No number is
  // given twice. Where it throws, it has taken on none.
  virtual int64_t Add(const v1::LeasedBatch& batch) = 0;

  // Advances all live rows one step and returns those that ended with it. A row
  // is told once, and forgotten. Returns nothing when no row is alive.
  virtual std::vector<RowEnd> Step() = 0;

  // Where a live row stands.
  virtual RowSteps StepsOf(int64_t row) const = 0;

  // What the rows have held since the first of them was added to none; nothing
  // for an engine that cannot tell.
  virtual v1::BatchMemory Memory() const { return {}; }

  // What the picture of a live row looks like by now; nothing for an engine, or
  // a row, that cannot tell. No picture changes by it.
  virtual PngMaker Preview(int64_t /*row*/) { return nullptr; }

  // Changes as long as a call that takes long gets anywhere; stays as it is for
  // an engine that cannot tell. Any thread.
  virtual int64_t Beats() const { return 0; }

  // Not OK once no step will succeed any more: the session tells what it has,
  // says goodbye and leaves with these words.
  virtual absl::Status Health() const { return absl::OkStatus(); }

  // Drops a row that is alive. It is not told as ended, and no other row's
  // picture changes.
  virtual void Cancel(int64_t row) = 0;

  // What a live row has come to: another worker that begins it with this goes
  // on as this one would, to the last bit. Empty for an engine that cannot.
  virtual std::string Save(int64_t /*row*/) { return {}; }

 protected:
  // What Save returned of the run at `index` of `batch` elsewhere; empty where
  // there is nothing. An engine that cannot read it begins at the beginning.
  std::string SavedOf(const v1::LeasedBatch& batch, int index) const {
    if (!fetch_saved_ || batch.runs(index).checkpoint_step() == 0) return {};
    return fetch_saved_(batch, index);
  }

 private:
  FetchSaved fetch_saved_;
};

}  // namespace sheaf::worker
