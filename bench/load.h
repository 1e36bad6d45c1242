// Load: keeps a number of operations in flight (closed loop), or starts them
// by the clock (open loop) and counts from the time each was due.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "bench/stats.h"

namespace sheaf::bench {

// One thing done over and over, one at a time: a slot of the load. Start
// begins it; `done(ok)` is called once, on any thread, when it is over, and
// may start it again. Every operation has a deadline of its own.
class Operation {
 public:
  using Done = std::function<void(bool ok)>;
  virtual ~Operation() = default;
  virtual void Start(Done done) = 0;
};

using Operations = std::vector<std::unique_ptr<Operation>>;

struct LoadOptions {
  // Load that runs before the window and is not counted.
  absl::Duration warm_up = absl::Milliseconds(60);
  absl::Duration window = absl::Milliseconds(500);
};

// Keeps all `operations` in flight all the time. Returns when the last one is
// over.
Window ClosedLoop(const Operations& operations, const LoadOptions& options);

// Starts `rate` operations a second. Each is counted from the time it was due,
// even if all of `operations` were still busy then.
Window OpenLoop(const Operations& operations, double rate,
                const LoadOptions& options);

// Starts `count` operations in all, and waits for the last: the time it takes
// to do a given amount of work.
Window CountedLoop(const Operations& operations, int64_t count);

}  // namespace sheaf::bench
