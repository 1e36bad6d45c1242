#include "queue/leasing/ask.h"

#include <algorithm>
#include <utility>

namespace sheaf {

bool Doors::IsOpen(const std::string& name) {
  const auto [known, is_new] = open_.try_emplace(name, false);
  if (is_new) known->second = Look(name);
  return known->second;
}

bool Doors::Look(const std::string& name) {
  std::optional<Queue> queue = tx_.FindQueue(name);
  if (!queue) return false;
  if (queue->state != QueueState::kPaused) return true;
  if (queue->resume_time > tx_.now()) {
    next_time_ = std::min(next_time_, queue->resume_time);
    return false;
  }
  resumed_.push_back(*std::move(queue));
  return true;
}

int64_t Room::Of(const std::string& owner) {
  const auto known = left_.find(owner);
  if (known != left_.end()) return known->second;
  const int64_t most = policy_ == nullptr ? 0 : policy_->RunningMax(owner);
  const int64_t left =
      most <= 0 ? kRunsPerJobMax : most - tx_.CountsOf(owner).running;
  return left_[owner] = left;
}

void Room::Fit(std::vector<LeasedRun>* runs) {
  std::map<std::string, int64_t> taken;
  std::erase_if(*runs, [&](const LeasedRun& run) {
    return ++taken[run.owner] > Of(run.owner);
  });
}

Ask::Ask(Tx& tx, const Lessee& who, LeasePolicy* policy, HeadIndex& heads)
    : tx(tx),
      who(who),
      policy(policy),
      heads(heads),
      doors(tx),
      room(tx, policy) {
  const HeadIndex::Served served{who.queues, who.kinds, who.models};
  heads.Keep(tx, served);
  const std::string loaded = policy == nullptr ? "" : policy->LoadedModel(who);
  if (!loaded.empty() && IsAnything(who.models)) {
    const Names models{loaded};
    const HeadIndex::Served with_model{who.queues, who.kinds, models};
    heads.Keep(tx, with_model);
    loaded_groups = heads.GroupsOf(with_model);
  }
  groups = heads.GroupsOf(served);
  if (!IsAnything(who.models)) loaded_groups = groups;
  std::erase_if(loaded_groups, [&](const HeadIndex::Group* group) {
    return group->lane.model != loaded;
  });
}

bool Ask::MayBegin(const HeadIndex::Place& place) {
  const Lane& lane = heads.LaneAt(place);
  return place.run_time <= tx.now() && CanServe(who, lane) &&
         doors.IsOpen(lane.queue) && room.Of(lane.owner) > 0;
}

}  // namespace sheaf
