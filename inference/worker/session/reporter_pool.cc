#include "inference/worker/session/reporter_pool.h"

#include <utility>

namespace sheaf::worker {

ReporterPool::ReporterPool(Client* client, LeaseReporter::Options options)
    : client_(client), options_(std::move(options)) {}

LeaseReporter* ReporterPool::Take() {
  if (!free_.empty()) {
    LeaseReporter* const reporter = free_.back();
    free_.pop_back();
    return reporter;
  }
  std::lock_guard lock(mutex_);
  reporters_.push_back(std::make_unique<LeaseReporter>(client_, options_));
  if (hurried_) reporters_.back()->Hurry();
  return reporters_.back().get();
}

void ReporterPool::Return(LeaseReporter* reporter) {
  free_.push_back(reporter);
}

void ReporterPool::ReportSoon() {
  std::lock_guard lock(mutex_);
  for (const auto& reporter : reporters_) reporter->ReportSoon();
}

void ReporterPool::Hurry() {
  std::lock_guard lock(mutex_);
  hurried_ = true;
  for (const auto& reporter : reporters_) reporter->Hurry();
}

}  // namespace sheaf::worker
