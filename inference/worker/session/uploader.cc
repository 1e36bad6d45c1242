#include "inference/worker/session/uploader.h"

#include <utility>

#include "base/backoff.h"
#include "inference/worker/session/retry_waits.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {

Uploader::Uploader(Client* client, Options options)
    : client_(client),
      options_(options),
      lanes_(static_cast<std::size_t>(options.thread_count)),
      slots_(static_cast<std::size_t>(options.thread_count)) {
  for (int lane = 0; lane < options_.thread_count; ++lane) {
    threads_.emplace_back([this, lane] { Work(lane); });
  }
}

Uploader::~Uploader() {
  {
    absl::MutexLock lock(&mutex_);
    quitting_ = true;
    waiting_.clear();
    for (int lane = 0; lane < options_.thread_count; ++lane) Drop(lane);
    changed_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

void Uploader::Upload(int64_t group, PngMaker picture, Done done) {
  absl::MutexLock lock(&mutex_);
  ++open_[group];
  waiting_.push_back({group, std::move(picture), std::move(done)});
  changed_.NotifyAll();
}

bool Uploader::WaitIdle(int64_t group, absl::Duration limit) {
  const absl::Time end = SteadyClock::Real()->Now() + limit;
  absl::MutexLock lock(&mutex_);
  while (open_.contains(group)) {
    if (!changed_.WaitUntil(&mutex_, end)) break;
  }
  return !open_.contains(group);
}

void Uploader::Cancel(int64_t group) {
  absl::MutexLock lock(&mutex_);
  const auto found = open_.find(group);
  if (found == open_.end()) return;
  found->second -= static_cast<int>(std::erase_if(
      waiting_, [&](const Item& item) { return item.group == group; }));
  if (found->second == 0) open_.erase(found);
  for (int lane = 0; lane < options_.thread_count; ++lane) {
    if (lanes_[lane].busy && lanes_[lane].group == group) Drop(lane);
  }
  changed_.NotifyAll();
}

void Uploader::Drop(int lane) {
  lanes_[lane].dropped = true;
  slots_[lane].Cancel();
}

void Uploader::Work(int lane) {
  mutex_.Lock();
  while (!quitting_) {
    if (waiting_.empty()) {
      changed_.Wait(&mutex_);
      continue;
    }
    const Item item = std::move(waiting_.front());
    waiting_.pop_front();
    slots_[lane].Reset();
    lanes_[lane] = {.group = item.group, .busy = true};
    mutex_.Unlock();
    Send(item, lane);
    mutex_.Lock();
    lanes_[lane].busy = false;
    if (--open_[item.group] == 0) open_.erase(item.group);
    changed_.NotifyAll();
  }
  mutex_.Unlock();
}

void Uploader::Send(const Item& item, int lane) {
  absl::StatusOr<std::string> name = MakePng(item.picture);
  v1::ErrorClass error_class = v1::ERROR_CLASS_ENGINE;
  if (name.ok()) {
    name = UploadWithRetry(*name, lane);
    error_class = v1::ERROR_CLASS_TRANSIENT;
  }
  {
    absl::MutexLock lock(&mutex_);
    if (lanes_[lane].dropped) return;
  }
  item.done(std::move(name), error_class);
}

absl::StatusOr<std::string> Uploader::UploadWithRetry(const std::string& png,
                                                      int lane) {
  SteadyClock* const clock = SteadyClock::Real();
  const absl::Time give_up_time = clock->Now() + options_.retry_for;
  Backoff backoff(kRetryFirst, kRetryLongest);
  while (true) {
    auto name = client_->UploadArtifact(png, "image/png", &slots_[lane]);
    if (name.ok() || !IsRetryable(name.status())) return name;
    if (clock->Now() >= give_up_time) return name;
    spdlog::debug("upload failed, trying again: {}", name.status().ToString());
    const absl::Time retry_time = clock->Now() + backoff.Next();
    absl::MutexLock lock(&mutex_);
    while (!lanes_[lane].dropped) {
      if (!changed_.WaitUntil(&mutex_, retry_time)) break;
    }
    if (lanes_[lane].dropped) return name;
  }
}

}  // namespace sheaf::worker
