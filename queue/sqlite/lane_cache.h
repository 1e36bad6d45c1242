// The lanes in which runs wait, kept in the writer's memory with the first runs
// of each: every lease looks at all of them.
//
// Holds all such lanes, and perhaps some that have run empty. Part of SqliteTx,
// whose thread it lives on.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "queue/types.h"

namespace sheaf {

class LaneCache {
 public:
  // Reads the first waiting run of a lane that is not above a priority.
  using ReadHead = std::function<std::optional<Run>(LaneId, Priority)>;

  explicit LaneCache(ReadHead read_head) : read_head_(std::move(read_head)) {}

  void Clear();
  void Add(const Lane& lane);
  bool Has(LaneId lane) const { return lanes_.contains(lane.value); }

  // Around each closure. Undo forgets lanes that the closure made: their ids
  // will be given out again.
  void Mark();
  void Keep();
  void Undo(const std::vector<Lane>& made);

  // The lane's line has changed.
  void Touch(LaneId lane);
  // As Tx::TakeChangedLanes.
  std::optional<std::vector<LaneId>> TakeChanged();

  std::optional<Run> Head(LaneId lane, Priority highest);
  void ForEach(const std::function<bool(const Lane&, const Run&)>& each);
  std::vector<Lane> Of(const std::string& owner);
  int64_t BoundOf(const std::string& owner) const;

 private:
  struct Entry {
    Lane lane;
    // By highest priority; the outer one is empty where it is not known.
    std::array<std::optional<std::optional<Run>>, 5> heads;

    void ForgetHeads() {
      for (auto& head : heads) head.reset();
    }
  };

  const std::optional<Run>& HeadOf(Entry& entry, Priority highest);
  void NoteChanged(int64_t lane);
  void Erase(int64_t lane);

  const ReadHead read_head_;
  std::map<int64_t, Entry> lanes_;
  std::unordered_map<std::string, std::set<int64_t>> by_owner_;
  std::vector<int64_t> touched_;  // by this closure
  std::set<int64_t> empty_;       // as this closure found
  // Touched since they were last taken; not known where `all_changed_`.
  std::set<int64_t> changed_;
  bool all_changed_ = true;
};

}  // namespace sheaf
