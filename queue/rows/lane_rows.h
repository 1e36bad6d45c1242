// The rows of lanes, and the runs that wait in them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "queue/params.h"
#include "queue/types.h"

namespace sheaf {

struct LaneHead {
  Lane lane;
  Run run;
};

// A waiting run with what it asks for; valid during the call only.
struct WaitingRun {
  const Run& run;
  const Lane& lane;
  const RunParams& params;  // the job's values with its own on top
};

// The place of a waiting run: higher priority, then earlier time, then id.
struct ReadyPlace {
  Priority priority = Priority::kNormal;
  absl::Time run_time;
  RunId id;
};

class LaneReads {
 public:
  virtual ~LaneReads() = default;

  virtual Lane FindLane(LaneId id) = 0;
  // Calls `each` with every lane in which runs wait and the first of these, due
  // or not, in the order of their ids, until it answers false. Both are valid
  // during the call only, which must change no run.
  using LaneVisitor = std::function<bool(const Lane&, const Run&)>;
  virtual void ForEachLane(const LaneVisitor& each) = 0;
  std::vector<LaneHead> LaneHeads();  // copies of all of them
  // The first waiting run of a lane, none above `highest`.
  virtual std::optional<Run> Head(LaneId lane, Priority highest) = 0;
  // The owner's lanes in which runs wait; and an upper bound of their number,
  // which is quicker to find.
  virtual std::vector<Lane> LanesOf(const std::string& owner) = 0;
  virtual int64_t LaneBoundOf(const std::string& owner) = 0;
  // True only where runs wait in all of these lanes; false also where that
  // would have to be looked up.
  virtual bool HoldsLanes(const std::vector<Lane>&) { return false; }
  // The first waiting runs of a lane, none above `highest`: by priority, then
  // (run_time, id), due or not.
  virtual std::vector<Run> Ready(LaneId lane, Priority highest, int limit) = 0;
  // The waiting runs of `first`'s job that share its lane, priority and time,
  // from it on, by id.
  virtual std::vector<Run> ReadyWith(const Run& first, int limit) = 0;
  // Calls `each` for every waiting run of a queue, a job's runs one after
  // another.
  virtual void ForEachWaiting(
      const std::string& queue,
      const std::function<void(const WaitingRun&)>& each) = 0;
  // Waiting runs of a lane that go before `place`, counted up to `limit`.
  virtual int64_t CountReadyBefore(LaneId lane, const ReadyPlace& place,
                                   int64_t limit) = 0;
};

class LaneWrites {
 public:
  virtual ~LaneWrites() = default;

  virtual LaneId LaneFor(const Lane& lane) = 0;  // makes it if it is new
  // The lanes whose first waiting runs may have changed since the last call,
  // each once; nothing where that is not known, so that all of them may have
  // changed. There is one reader of these news (queue/leasing/head_index.h).
  virtual std::optional<std::vector<LaneId>> TakeChangedLanes() = 0;
};

}  // namespace sheaf
