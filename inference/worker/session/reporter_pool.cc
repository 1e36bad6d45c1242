#include "inference/worker/session/reporter_pool.h"

#include <utility>

namespace sheaf::worker {

ReporterPool::ReporterPool(Client* client, const TimedEngine* engine,
                           LeaseReporter::Options options)
    : client_(client), engine_(engine), options_(std::move(options)) {}

LeaseReporter* ReporterPool::Take() {
  if (!free_.empty()) {
    LeaseReporter* const reporter = free_.back();
    free_.pop_back();
    return reporter;
  }
  absl::MutexLock lock(&mutex_);
  reporters_.push_back(
      std::make_unique<LeaseReporter>(client_, engine_, options_));
  if (hurried_) reporters_.back()->Hurry();
  if (asked_) reporters_.back()->ReportSoon();
  return reporters_.back().get();
}

void ReporterPool::Return(LeaseReporter* reporter) {
  free_.push_back(reporter);
}

void ReporterPool::ReportSoon() {
  absl::MutexLock lock(&mutex_);
  asked_ = true;
  for (const auto& reporter : reporters_) reporter->ReportSoon();
}

void ReporterPool::Hurry() {
  absl::MutexLock lock(&mutex_);
  hurried_ = true;
  for (const auto& reporter : reporters_) reporter->Hurry();
}

}  // namespace sheaf::worker
