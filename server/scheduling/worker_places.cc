#include "server/scheduling/worker_places.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sheaf::server {
namespace {

// Workers come and go; a forgotten worker merely changes its model once more.
constexpr size_t kWorkersKept = 20'000;
// The most workers of a kind that a lease looks at.
constexpr int kLooked = 64;
constexpr int kLookedOfDevice = 8;

}  // namespace

std::string WorkerPlaces::KeyOf(const std::string& model,
                                const std::string& vae) {
  return absl::StrCat(model, "\n", vae);
}

void WorkerPlaces::Waits(const Lessee& who) {
  absl::MutexLock lock(&mutex_);
  Waiting& waiting = waiting_[who.id];
  if (waiting.calls++ == 0) waiting.who = who;
  waiting.taking = false;
  by_device_[who.device].insert(who.id);
}

void WorkerPlaces::WaitsNoMore(WorkerId worker) {
  absl::MutexLock lock(&mutex_);
  const auto at = waiting_.find(worker);
  if (at == waiting_.end() || --at->second.calls > 0) return;
  const auto device = by_device_.find(at->second.who.device);
  device->second.erase(worker);
  if (device->second.empty()) by_device_.erase(device);
  waiting_.erase(at);
}

void WorkerPlaces::SetTaking(WorkerId worker, bool taking) {
  absl::MutexLock lock(&mutex_);
  const auto at = waiting_.find(worker);
  if (at != waiting_.end()) at->second.taking = taking;
}

void WorkerPlaces::Forget(Loaded::iterator known) {
  const auto same = by_model_.find(known->second);
  same->second.erase(known->first);
  if (same->second.empty()) by_model_.erase(same);
  loaded_.erase(known);
}

void WorkerPlaces::SetLoaded(WorkerId worker, const std::string& model,
                             const std::string& vae) {
  std::string key = KeyOf(model, vae);
  absl::MutexLock lock(&mutex_);
  if (const auto known = loaded_.find(worker); known != loaded_.end()) {
    if (known->second == key) return;
    Forget(known);
  }
  by_model_[key].insert(worker);
  loaded_.emplace(worker, std::move(key));
  if (loaded_.size() > kWorkersKept) Forget(loaded_.begin());
}

bool WorkerPlaces::IsLoaded(WorkerId worker, const Lane& lane) const {
  absl::MutexLock lock(&mutex_);
  const auto found = loaded_.find(worker);
  return found != loaded_.end() && found->second == KeyOf(lane.model, lane.vae);
}

std::string WorkerPlaces::LoadedModel(WorkerId worker) const {
  absl::MutexLock lock(&mutex_);
  const auto found = loaded_.find(worker);
  if (found == loaded_.end()) return "";
  return found->second.substr(0, found->second.find('\n'));
}

const WorkerPlaces::Waiting* WorkerPlaces::Find(WorkerId worker,
                                                const Lane& lane) const {
  const auto at = waiting_.find(worker);
  if (at == waiting_.end() || at->second.taking) return nullptr;
  return CanServe(at->second.who, lane) ? &at->second : nullptr;
}

std::vector<WorkerPlace> WorkerPlaces::Rivals(const Lessee& who,
                                              const Lane& lane,
                                              absl::Time now) const {
  std::vector<WorkerPlace> rivals;
  std::vector<WorkerId> at_work;
  {
    absl::MutexLock lock(&mutex_);
    const auto same = by_model_.find(KeyOf(lane.model, lane.vae));
    int looked = 0;
    if (same != by_model_.end()) {
      for (const WorkerId worker : same->second) {
        if (worker == who.id) continue;
        if (++looked > kLooked) break;
        if (const Waiting* waiting = Find(worker, lane)) {
          rivals.push_back({waiting->who});
        } else if (!waiting_.contains(worker)) {
          at_work.push_back(worker);
        }
      }
    }
    for (const auto& [device, workers] : by_device_) {
      looked = 0;
      for (const WorkerId worker : workers) {
        if (worker == who.id) continue;
        if (++looked > kLookedOfDevice) break;
        const Waiting* waiting = Find(worker, lane);
        if (waiting == nullptr) continue;
        rivals.push_back({waiting->who});
        break;
      }
    }
  }
  for (const WorkerId worker : at_work) {
    const std::optional<double> ms = parts_.free_in(worker, now);
    if (!ms) continue;
    std::optional<Lessee> taker = parts_.taker(worker);
    if (taker && CanServe(*taker, lane)) {
      rivals.push_back({*std::move(taker), *ms, 1});
    }
  }
  return rivals;
}

// Adds workers with ids above `from`, up to `to`.
void WorkerPlaces::AddIdle(const Lessee& who, const Lane& lane, WorkerId from,
                           WorkerId to, std::vector<WorkerPlace>* idle) const {
  auto at = waiting_.upper_bound(from);
  for (int looked = 0; at != waiting_.end() && at->first <= to; ++at) {
    if (++looked > kLooked) return;
    if (at->first == who.id) continue;
    if (const Waiting* waiting = Find(at->first, lane)) {
      idle->push_back({waiting->who});
    }
  }
}

std::vector<WorkerPlace> WorkerPlaces::Idle(const Lessee& who, const Lane& lane,
                                            WorkerId last) const {
  std::vector<WorkerPlace> idle;
  absl::MutexLock lock(&mutex_);
  AddIdle(who, lane, last, {std::numeric_limits<int64_t>::max()}, &idle);
  AddIdle(who, lane, {}, last, &idle);
  return idle;
}

std::vector<WorkerId> WorkerPlaces::IdleWithModel(const Lane& lane,
                                                  size_t most) const {
  std::vector<WorkerId> idle;
  absl::MutexLock lock(&mutex_);
  const auto same = by_model_.find(KeyOf(lane.model, lane.vae));
  if (same == by_model_.end()) return idle;
  int looked = 0;
  for (const WorkerId worker : same->second) {
    if (idle.size() == most || ++looked > kLooked) break;
    if (Find(worker, lane) != nullptr) idle.push_back(worker);
  }
  return idle;
}

}  // namespace sheaf::server
