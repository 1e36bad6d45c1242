// The maker of pictures, as the worker's session sees it: rows of all batches
// advance together, one step at a time.
//
// RunProcess owns the engine, and the session calls it from one thread only.
// Between two steps it may add and cancel rows; during a step nothing reaches
// the engine. An engine may throw. If Step throws, the session fails all live
// rows; if Add throws, or a function that the session calls for one batch after
// a step, it fails the rows of that batch. So an engine had better return a
// fault of one row as that row's end.
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

// Writes a PNG file when it is called: once, from any thread, even after the
// engine is gone. Compressing takes a while, and the next step need not wait
// for it.
using PngMaker = std::function<absl::StatusOr<std::string>()>;

// Calls `maker`; an exception becomes INTERNAL with its words.
inline absl::StatusOr<std::string> MakePng(const PngMaker& maker) {
  try {
    return maker();
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

// A file that a row leaves beside its picture, by its name among the outputs of
// the run.
struct NamedPng {
  std::string name;
  PngMaker make;
};

// How one row ended: with a picture, without one (an engine that was told to
// make none), or with an error.
struct RowEnd {
  int64_t row = 0;
  std::string png;
  v1::ErrorClass error_class =
      v1::ERROR_CLASS_UNSPECIFIED;  // Unset: it went well.
  std::string error_message;
  PngMaker make_png;           // If set, replaces `png`.
  std::vector<NamedPng> more;  // Where there is a picture.

  bool failed() const { return error_class != v1::ERROR_CLASS_UNSPECIFIED; }
};

// Fetches the state that an earlier worker saved of a row that is being taken
// on; empty if there is none.
using FetchSaved =
    std::function<std::string(const v1::LeasedBatch& batch, int row)>;

class Engine {
 public:
  virtual ~Engine() = default;

  // Sets how to fetch saved states. Call it before Add of a batch that has
  // checkpoints.
  virtual void SetFetchSaved(FetchSaved fetch) {
    fetch_saved_ = std::move(fetch);
  }

  // The devices it works on, as the server shows them.
  virtual std::vector<v1::Device> Devices() const = 0;

  // Its models and names; empty for an engine that cannot tell.
  virtual v1::Catalog Catalog() const { return {}; }

  // Takes on every run of `batch` as one row, in their order, beside the rows
  // at hand. Returns the number of the first row; the others follow it. No
  // number is given twice. If it throws, it has taken on none.
  virtual int64_t Add(const v1::LeasedBatch& batch) = 0;

  // Advances all live rows one step and returns those that ended. Each row is
  // returned once and then forgotten. Returns nothing when no row is alive.
  virtual std::vector<RowEnd> Step() = 0;

  // How far a live row has come.
  virtual RowSteps StepsOf(int64_t row) const = 0;

  // The memory that rows have held since the last Add to an engine without
  // rows; empty for an engine that cannot tell.
  virtual v1::BatchMemory Memory() const { return {}; }

  // The picture of a live row as it looks by now; null for an engine, or a row,
  // that cannot tell. The call changes no picture.
  virtual PngMaker Preview(int64_t /*row*/) { return nullptr; }

  // Keeps changing while a long call makes progress; constant for an engine
  // that cannot tell. Any thread.
  virtual int64_t Beats() const { return 0; }

  // Not OK once no step will succeed any more: the session tells the outcomes
  // that it has, says goodbye and returns this status.
  virtual absl::Status Health() const { return absl::OkStatus(); }

  // Drops a live row. Step does not return it, and no other row's picture
  // changes.
  virtual void Cancel(int64_t row) = 0;

  // The state of a live row. A worker that begins the row with it goes on as
  // this one would, to the last bit. Empty for an engine that cannot save.
  virtual std::string Save(int64_t /*row*/) { return {}; }

 protected:
  // The state that Save returned on another worker for the run at `index` of
  // `batch`; empty if there is none. An engine that cannot read it starts at
  // the first step.
  std::string SavedOf(const v1::LeasedBatch& batch, int index) const {
    if (!fetch_saved_ || batch.runs(index).checkpoint_step() == 0) return {};
    return fetch_saved_(batch, index);
  }

 private:
  FetchSaved fetch_saved_;
};

}  // namespace sheaf::worker
