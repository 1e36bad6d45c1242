// The first waiting runs of all lanes, in the order in which their turns come:
// by priority, then by the rank of their owner, then by age. A lease looks at
// the first few of them, so it takes no longer where many lanes wait.
//
// The index follows the store: before it answers, it reads again the lanes that
// have changed. Lanes are grouped by what a worker must know to serve them, so
// that a worker does not look at the lanes of others.
//
// One thread: the writer's. One index for a store: the store tells each change
// once (Tx::TakeChangedLanes).
#pragma once

#include <array>
#include <compare>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"
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
  // The part of a lane that decides which other lanes may share a step with it,
  // apart from its owner and its group.
  struct Shape {
    std::string vae;
    int64_t width = 0;
    int64_t height = 0;
    auto operator<=>(const Shape&) const = default;
  };
  struct Owner {
    double rank = 0;
    std::set<Place> heads;
  };
  // Where an owner stands in line: by rank, then by the age of its oldest run
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
  // Lanes that the same workers serve, but for the sizes of pictures.
  struct Group {
    Lane lane;                    // queue, kind and model; the rest is empty
    std::array<Level, 5> levels;  // by priority
    Level& at(Priority priority) {
      return levels[static_cast<size_t>(priority)];
    }
    const Level& at(Priority priority) const {
      return levels[static_cast<size_t>(priority)];
    }
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
  // Takes in an owner's new rank.
  void Rank(const std::string& owner, double rank);

  // The groups of these models, and those that leave the model open; all groups
  // where `models` is empty. Valid until the next Refresh.
  std::vector<Group*> GroupsOf(const std::vector<std::string>& models);
  // The lane of a place that this index gave.
  const Lane& LaneAt(const Place& place) const;
  // The number of times that it was called before.
  size_t Rotate() { return rotations_++; }
  // How many lanes have a head here.
  size_t size() const { return lanes_.size(); }

 private:
  // Model, queue, kind: the groups of a model stand together.
  using Key = std::tuple<std::string, std::string, std::string>;
  struct Head {
    Place place;
    Priority priority = Priority::kNormal;
    bool due = false;
  };
  struct Entry {
    Lane lane;
    Group* group = nullptr;
    std::vector<Head> heads;  // of falling priority; all but the last wait
  };

  void Reread(Tx& tx, LaneId lane);
  void Put(Tx& tx, const Lane& lane, Run head);
  void Remove(LaneId lane);
  void Ripen(absl::Time now);
  void AddDue(const Entry& entry, const Head& head);
  void RemoveDue(const Entry& entry, const Head& head);

  const RankOf rank_of_;
  std::map<Key, Group> groups_;
  std::unordered_map<int64_t, Entry> lanes_;
  // Where each owner's due heads are.
  std::unordered_map<std::string, std::set<Level*>> levels_of_;
  std::set<Place> later_;  // of all groups
  size_t rotations_ = 0;
};

}  // namespace sheaf
