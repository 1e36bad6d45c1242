#include "server/blobs/artifact_budget.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/error.h"

namespace sheaf::server {

DiskSpace SpaceAt(const std::string& path) {
  struct statvfs facts;
  if (::statvfs(path.c_str(), &facts) != 0) return {};
  const auto unit = static_cast<int64_t>(facts.f_frsize);
  return {static_cast<int64_t>(facts.f_blocks) * unit,
          static_cast<int64_t>(facts.f_bavail) * unit};
}

ArtifactBudget::ArtifactBudget(int64_t total_max,
                               std::function<DiskSpace()> space)
    : total_max_(total_max), space_(std::move(space)) {}

absl::Status ArtifactBudget::Grow(int64_t bytes) {
  const DiskSpace space = space_();
  const int64_t reserve = std::min(space.size / 20, kReserveMax);
  if (space.size > 0 && space.free - bytes < reserve) {
    return Error(
        Reason::kArtifactsFull,
        absl::StrCat("the disk has ", space.free, " bytes left, and artifacts ",
                     "must leave ", reserve, " of them free"));
  }
  const absl::MutexLock lock(&mutex_);
  if (total_max_ > 0 && taken_ + bytes > total_max_) {
    return Error(Reason::kArtifactsFull,
                 absl::StrCat("artifacts take ", taken_, " of the ", total_max_,
                              " bytes that they may"));
  }
  taken_ += bytes;
  return absl::OkStatus();
}

void ArtifactBudget::Add(int64_t count, int64_t bytes) {
  const absl::MutexLock lock(&mutex_);
  taken_ += count * kEach + bytes;
}

int64_t ArtifactBudget::taken() const {
  const absl::MutexLock lock(&mutex_);
  return taken_;
}

ArtifactBudget::Share::Share(Share&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

ArtifactBudget::Share& ArtifactBudget::Share::operator=(
    Share&& other) noexcept {
  if (this != &other) {
    Give();
    budget_ = std::exchange(other.budget_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

absl::Status ArtifactBudget::Share::Grow(int64_t bytes) {
  SHEAF_RETURN_IF_ERROR(budget_->Grow(bytes));
  bytes_ += bytes;
  return absl::OkStatus();
}

void ArtifactBudget::Share::Give() {
  if (bytes_ > 0) budget_->Add(0, -bytes_);
  bytes_ = 0;
}

}  // namespace sheaf::server
