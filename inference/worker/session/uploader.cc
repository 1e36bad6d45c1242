#include "inference/worker/session/uploader.h"

#include <chrono>
#include <utility>

#include "base/backoff.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {

Uploader::Uploader(Client* client, Options options)
    : client_(client), options_(options) {
  for (int i = 0; i < options_.thread_count; ++i) {
    lanes_.push_back(std::make_unique<Lane>());
  }
  for (const auto& lane : lanes_) {
    threads_.emplace_back([this, lane = lane.get()] { Work(lane); });
  }
}

Uploader::~Uploader() {
  {
    std::lock_guard lock(mutex_);
    quitting_ = true;
    waiting_.clear();
    for (const auto& lane : lanes_) DropLocked(lane.get());
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

void Uploader::Upload(int64_t group, PngMaker picture, Done done) {
  std::lock_guard lock(mutex_);
  ++open_[group];
  waiting_.push_back({group, std::move(picture), std::move(done)});
  changed_.notify_all();
}

bool Uploader::WaitIdle(int64_t group, absl::Duration limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, absl::ToChronoNanoseconds(limit),
                           [&] { return !open_.contains(group); });
}

void Uploader::Cancel(int64_t group) {
  std::lock_guard lock(mutex_);
  const auto found = open_.find(group);
  if (found == open_.end()) return;
  found->second -= static_cast<int>(std::erase_if(
      waiting_, [&](const Item& item) { return item.group == group; }));
  if (found->second == 0) open_.erase(found);
  for (const auto& lane : lanes_) {
    if (lane->busy && lane->group == group) DropLocked(lane.get());
  }
  changed_.notify_all();
}

void Uploader::DropLocked(Lane* lane) {
  lane->dropped = true;
  lane->slot.Cancel();
}

void Uploader::Work(Lane* lane) {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return quitting_ || !waiting_.empty(); });
    if (quitting_) return;
    const Item item = std::move(waiting_.front());
    waiting_.pop_front();
    lane->slot.Reset();
    lane->group = item.group;
    lane->busy = true;
    lane->dropped = false;
    lock.unlock();
    absl::StatusOr<std::string> name = MakePng(item.picture);
    v1::ErrorClass error_class = v1::ERROR_CLASS_ENGINE;
    if (name.ok()) {
      name = UploadWithRetry(*name, lane);
      error_class = v1::ERROR_CLASS_TRANSIENT;
    }
    lock.lock();
    const bool wanted = !lane->dropped;
    lock.unlock();
    if (wanted) item.done(std::move(name), error_class);
    lock.lock();
    lane->busy = false;
    if (--open_[item.group] == 0) open_.erase(item.group);
    changed_.notify_all();
  }
}

absl::StatusOr<std::string> Uploader::UploadWithRetry(const std::string& png,
                                                      Lane* lane) {
  const auto give_up_time = std::chrono::steady_clock::now() +
                            absl::ToChronoNanoseconds(options_.retry_for);
  Backoff backoff(absl::Milliseconds(100), absl::Seconds(2));
  while (true) {
    auto name = client_->UploadArtifact(png, "image/png", &lane->slot);
    if (name.ok() || !IsRetryable(name.status())) return name;
    if (std::chrono::steady_clock::now() >= give_up_time) return name;
    spdlog::debug("upload failed, trying again: {}", name.status().ToString());
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, absl::ToChronoNanoseconds(backoff.Next()),
                          [&] { return lane->dropped; })) {
      return name;
    }
  }
}

}  // namespace sheaf::worker
