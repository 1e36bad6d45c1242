// The first waiting runs of all lanes, in the order in which their turns come:
// by priority, then by the rank of their owner, then by age. A lease looks at
// the first few of them, so it takes no longer where many lanes wait.
//
// The index follows the store: before it answers, it reads again the lanes that
// have changed. Lanes are grouped by what a worker must know to serve them, so
// that a worker does not look at the lanes of others. A worker that serves any
// model, or any kind, has groups of its own form, in which all of them stand
// together: whoever makes up names makes no lease look at more groups.
//
// One thread: the writer's. One index for a store: the store tells each change
// once (Tx::TakeChangedLanes).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"
#include "queue/leasing/names.h"
#include "queue/store.h"

namespace sheaf {

class HeadIndex {
 public:
  // The place of the first waiting run of a lane.
  struct Place {
    absl::Time run_time;
    RunId run;
    LaneId lane;
    bool operator==(const Place&) const = default;
    bool operator<(const Place& other) const {
      return std::tie(run_time, run, lane) <
             std::tie(other.run_time, other.run, other.lane);
    }
  };
  // The part of a lane that decides which other lanes of its queue may share a
  // step with it: all but the owner.
  struct Shape {
    std::string kind;
    std::string model;
    std::string vae;
    int64_t width = 0;
    int64_t height = 0;
    auto operator<=>(const Shape&) const = default;
  };
  static Shape ShapeOf(const Lane& lane) {
    return {lane.kind, lane.model, lane.vae, lane.width, lane.height};
  }
  struct Owner {
    double rank = 0;
    std::set<Place> heads;
  };
  // The place of an owner in line: by rank, then by the age of its oldest run
  // here.
  struct Standing {
    double rank = 0;
    Place first;
    const Owner* owner = nullptr;
    bool operator<(const Standing& other) const {
      return std::tie(rank, first) < std::tie(other.rank, other.first);
    }
  };
  // The heads of one group and one priority.
  struct Level {
    std::map<std::string, Owner> owners;
    std::set<Standing> standings;             // one for each of `owners`
    std::set<Place> due;                      // by age
    std::map<Shape, std::set<Place>> shapes;  // the same, by shape
    std::set<Place> later;                    // not due yet
    // The last of `due` that was looked at out of turn.
    Place hand;
  };
  // The parts that the lanes of a group need not have in common.
  struct Form {
    bool any_kind = false;
    bool any_model = false;
    size_t index() const {
      return (any_kind ? 2u : 0u) + (any_model ? 1u : 0u);
    }
  };
  // Lanes that the same workers serve, but for the sizes of pictures.
  struct Group {
    Form form;
    Lane lane;  // the queue, and the kind and model that they have in common
    std::array<Level, 5> levels;  // by priority
    // How many of all changes of ranks it has taken in.
    uint64_t rank_changes = 0;
    Level& at(Priority priority) {
      return levels[static_cast<size_t>(priority)];
    }
    const Level& at(Priority priority) const {
      return levels[static_cast<size_t>(priority)];
    }
  };

  // The names of all that a worker serves; no names, or "*", are anything.
  struct Served {
    const Names& queues;
    const Names& kinds;
    const Names& models;
  };

  // Returns an owner's rank at this moment: lower ones go first.
  using RankOf = std::function<double(const std::string& owner)>;
  explicit HeadIndex(RankOf rank_of = [](const std::string&) { return 0.0; })
      : rank_of_(std::move(rank_of)) {}

  // Takes in what has changed by now. Call it first in each transaction, and
  // again after changes in the same one. Takes the store's news.
  void Refresh(Tx& tx);
  // Reads all lanes: for an index that is used only once.
  void Rebuild(Tx& tx);
  // The owner has a new rank. Each group takes it in when it is asked for: an
  // owner may have runs in thousands of them.
  void NoteRank(const std::string& owner);

  // Keeps groups of the form that this needs from now on. Reads all lanes where
  // they were not kept before.
  void Keep(Tx& tx, const Served& served);
  // The groups of what a worker serves, each queue's own; of a form that is
  // kept. Runs that leave the model open are anybody's. Valid until the next
  // Refresh or Keep.
  std::vector<Group*> GroupsOf(const Served& served);
  // The lane of a place that this index gave.
  const Lane& LaneAt(const Place& place) const;
  // The number of times that it was called before.
  size_t Rotate() { return rotations_++; }
  // How many lanes have a head here.
  size_t size() const { return lanes_.size(); }

 private:
  // Queue, kind, model; empty where the form leaves it open.
  using Key = std::tuple<std::string, std::string, std::string>;
  using Groups = std::map<Key, Group>;
  struct Head {
    Place place;
    Priority priority = Priority::kNormal;
    bool due = false;
  };
  struct Entry {
    Lane lane;
    std::vector<Group*> groups;  // one of each form that is kept
    std::vector<Head> heads;     // of falling priority; all but the last wait
  };

  void Reread(Tx& tx, LaneId lane);
  void Put(Tx& tx, const Lane& lane, Run head);
  void Remove(LaneId lane);
  void Ripen(absl::Time now);
  void AddDue(const Entry& entry, const Head& head);
  void AddDue(const Entry& entry, const Head& head, Level& level);
  void RemoveDue(const Entry& entry, const Head& head);
  void RemoveDue(const Entry& entry, const Head& head, Level& level);
  void AddLater(const Entry& entry, const Head& head);
  void RemoveLater(const Entry& entry, const Head& head);
  void AddGroups(const std::string& queue, Form form, const Served& served,
                 std::vector<Group*>* found);
  void Rank(Group& group);
  void Rank(Level& level, const std::string& owner);

  const RankOf rank_of_;
  std::array<Groups, 4> groups_;          // by form
  std::array<bool, 4> is_kept_ = {};      // by form
  std::map<std::string, size_t> queues_;  // how many lanes each has here
  std::unordered_map<int64_t, Entry> lanes_;
  std::set<Place> later_;  // of all groups
  // The owners of the last changes of ranks, and how many changes there were.
  std::deque<std::string> reranked_;
  uint64_t rank_changes_ = 0;
  size_t rotations_ = 0;
};

}  // namespace sheaf
