#include "inference/worker/uploader.h"

#include <chrono>
#include <utility>

#include "inference/worker/backoff.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {

Uploader::Uploader(Client* client, Options options)
    : client_(client), options_(options) {
  for (int i = 0; i < options_.thread_count; ++i) {
    slots_.push_back(std::make_unique<CancelSlot>());
  }
  for (const auto& slot : slots_) {
    threads_.emplace_back([this, slot = slot.get()] { Work(slot); });
  }
}

Uploader::~Uploader() {
  Cancel();
  {
    std::lock_guard lock(mutex_);
    quitting_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

void Uploader::Upload(PngMaker picture, Done done) {
  std::lock_guard lock(mutex_);
  waiting_.push_back({std::move(picture), std::move(done), generation_});
  changed_.notify_all();
}

bool Uploader::WaitIdle(absl::Duration limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, absl::ToChronoNanoseconds(limit), [this] {
    return running_ == 0 && waiting_.empty();
  });
}

void Uploader::Cancel() {
  std::lock_guard lock(mutex_);
  ++generation_;
  waiting_.clear();
  for (const auto& slot : slots_) slot->Cancel();
  changed_.notify_all();
}

void Uploader::Work(CancelSlot* slot) {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return quitting_ || !waiting_.empty(); });
    if (quitting_) return;
    const Item item = std::move(waiting_.front());
    waiting_.pop_front();
    ++running_;
    slot->Reset();
    lock.unlock();
    absl::StatusOr<std::string> name = MakePng(item.picture);
    v1::ErrorClass error_class = v1::ERROR_CLASS_ENGINE;
    if (name.ok()) {
      name = UploadWithRetry(*name, item.generation, slot);
      error_class = v1::ERROR_CLASS_TRANSIENT;
    }
    lock.lock();
    const bool wanted = item.generation == generation_;
    lock.unlock();
    if (wanted) item.done(std::move(name), error_class);
    lock.lock();
    --running_;
    changed_.notify_all();
  }
}

absl::StatusOr<std::string> Uploader::UploadWithRetry(const std::string& png,
                                                      std::int64_t generation,
                                                      CancelSlot* slot) {
  const auto give_up_time = std::chrono::steady_clock::now() +
                            absl::ToChronoNanoseconds(options_.retry_for);
  Backoff backoff(absl::Milliseconds(100), absl::Seconds(2));
  while (true) {
    auto name = client_->UploadArtifact(png, "image/png", slot);
    if (name.ok() || !IsRetryable(name.status())) return name;
    if (std::chrono::steady_clock::now() >= give_up_time) return name;
    spdlog::debug("upload failed, trying again: {}", name.status().ToString());
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, absl::ToChronoNanoseconds(backoff.Next()),
                          [&] { return generation != generation_; })) {
      return name;
    }
  }
}

}  // namespace sheaf::worker
