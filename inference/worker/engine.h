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
#include <string>
#include <vector>

#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::worker {

// How far one row has come. `step` is 0 before the first step.
struct RowSteps {
  int step = 0;
  int step_count = 0;
};

// How one row ended: with a picture, without one (an engine that was told to
// make none), or with an error.
struct RowEnd {
  int64_t row = 0;
  std::string png;
  v1::ErrorClass error_class =
      v1::ERROR_CLASS_UNSPECIFIED;  // Unset: it went well.
  std::string error_message;

  bool failed() const { return error_class != v1::ERROR_CLASS_UNSPECIFIED; }
};

class Engine {
 public:
  virtual ~Engine() = default;

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

  // Drops a row, if it is alive. It is not told as ended, and no other row's
  // picture changes.
  virtual void Cancel(int64_t row) = 0;
};

}  // namespace sheaf::worker
