#include "server/telemetry/event_hub.h"

namespace sheaf::server {
namespace {

// Events that are kept in memory, and what they may take together.
constexpr size_t kRecentMax = 8192;
constexpr int64_t kRecentBytesMax = 64 << 20;
constexpr int kFetchMax = 2048;

}  // namespace

void EventHub::Start(int64_t last_sequence) {
  absl::MutexLock lock(&mutex_);
  loaded_ = committed_ = last_sequence;
}

void EventHub::Committed(int64_t last_sequence) {
  {
    absl::MutexLock lock(&mutex_);
    committed_ = std::max(committed_, last_sequence);
    if (fetching_) return;
    fetching_ = true;
  }
  bool watched = false;
  {
    absl::MutexLock lock(&watchers_mutex_);
    watched = !watchers_.empty();
  }
  if (watched) return Fetch();
  // Nobody watches: later watchers read from the store.
  absl::MutexLock lock(&mutex_);
  recent_.clear();
  recent_bytes_ = 0;
  loaded_ = committed_;
  fetching_ = false;
}

void EventHub::Fetch() {
  int64_t after;
  {
    absl::MutexLock lock(&mutex_);
    after = loaded_;
  }
  auto page = std::make_shared<std::vector<Event>>();
  store_->Read(
      [page, after](View& view) {
        *page = view.EventPage(after, kFetchMax);
        return absl::OkStatus();
      },
      [this, page](const absl::Status& status) {
        bool more = false;
        {
          absl::MutexLock lock(&mutex_);
          for (Event& event : *page) {
            loaded_ = event.sequence;
            recent_bytes_ += BytesOf(event);
            recent_.push_back(std::make_shared<Event>(std::move(event)));
          }
          while (recent_.size() > kRecentMax ||
                 recent_bytes_ > kRecentBytesMax) {
            recent_bytes_ -= BytesOf(*recent_.front());
            recent_.pop_front();
          }
          more = status.ok() && !page->empty() && loaded_ < committed_;
          if (!more) fetching_ = false;
        }
        NudgeAll();
        if (more) Fetch();
      },
      {.own = true});
}

void EventHub::NudgeAll() {
  absl::MutexLock lock(&watchers_mutex_);
  for (auto& [id, watcher] : watchers_) {
    if (watcher.nudge) watcher.nudge();
  }
}

int64_t EventHub::last_sequence() const {
  absl::MutexLock lock(&mutex_);
  return committed_;
}

bool EventHub::Recent(int64_t after, int limit,
                      std::vector<std::shared_ptr<const Event>>* events) const {
  absl::MutexLock lock(&mutex_);
  // There is nothing after the newest event. Only the store can tell a number
  // that is too large from events on their way.
  if (after >= loaded_) return after == committed_;
  if (recent_.empty() || recent_.front()->sequence > after + 1) return false;
  size_t at = static_cast<size_t>(after + 1 - recent_.front()->sequence);
  int64_t bytes = 0;
  for (; at < recent_.size() && limit > 0 && bytes < kEventPageBytes;
       ++at, --limit) {
    bytes += BytesOf(*recent_[at]);
    events->push_back(recent_[at]);
  }
  return true;
}

int64_t EventHub::Subscribe(Nudge nudge, OnProgress on_progress) {
  absl::MutexLock lock(&watchers_mutex_);
  const int64_t id = next_id_++;
  watchers_[id] = {std::move(nudge), std::move(on_progress)};
  return id;
}

void EventHub::Unsubscribe(int64_t id) {
  absl::MutexLock lock(&watchers_mutex_);
  watchers_.erase(id);
}

void EventHub::Publish(RunId run, const StepProgress& progress) {
  absl::MutexLock lock(&watchers_mutex_);
  for (auto& [id, watcher] : watchers_) {
    if (watcher.on_progress) watcher.on_progress(run, progress);
  }
}

}  // namespace sheaf::server
