#include "inference/worker/session/keeper_pool.h"

#include <utility>

namespace sheaf::worker {

KeeperPool::KeeperPool(Client* client, LeaseKeeper::Options options)
    : client_(client), options_(std::move(options)) {}

LeaseKeeper* KeeperPool::Take() {
  if (!free_.empty()) {
    LeaseKeeper* const keeper = free_.back();
    free_.pop_back();
    return keeper;
  }
  std::lock_guard lock(mutex_);
  keepers_.push_back(std::make_unique<LeaseKeeper>(client_, options_));
  if (hurried_) keepers_.back()->Hurry();
  return keepers_.back().get();
}

void KeeperPool::Return(LeaseKeeper* keeper) { free_.push_back(keeper); }

void KeeperPool::ReportSoon() {
  std::lock_guard lock(mutex_);
  for (const auto& keeper : keepers_) keeper->ReportSoon();
}

void KeeperPool::Hurry() {
  std::lock_guard lock(mutex_);
  hurried_ = true;
  for (const auto& keeper : keepers_) keeper->Hurry();
}

}  // namespace sheaf::worker
