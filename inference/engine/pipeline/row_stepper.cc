#include "inference/engine/pipeline/row_stepper.h"

#include <algorithm>

#include "base/check.h"
#include "base/status.h"
#include "inference/engine/tensor/guard.h"

namespace sheaf::engine {
namespace {

// How many of `count` rows are tried first, once memory has run out for all.
size_t FirstHalf(size_t count) { return (count + 1) / 2; }

}  // namespace

absl::Status RowStepper::Step(const Rows& rows) const {
  std::map<CallKey, Rows> alike;
  for (Row* row : rows) {
    alike[denoiser_->KeyOf({row, &row->start().branches.front()})].push_back(
        row);
  }
  for (const auto& [key, group] : alike) {
    for (size_t done = 0; done < group.size();) {
      const size_t count = CountThatFits(key, group, done);
      const auto first = group.begin() + static_cast<std::ptrdiff_t>(done);
      SHEAF_RETURN_IF_ERROR(
          StepAlike(key, {first, first + static_cast<std::ptrdiff_t>(count)}));
      done += count;
    }
  }
  return absl::OkStatus();
}

absl::Status RowStepper::StepAlike(const CallKey& key, const Rows& rows) const {
  std::vector<size_t> before;
  for (const Row* row : rows) before.push_back(row->steps_done());
  const absl::Status status = Guard("a step", [&] { Call(rows); });
  if (status.ok()) NoteWent(rows.size());
  if (!absl::IsResourceExhausted(status)) return status;
  memory_->Clear();
  NoteRanOut(key, rows);
  Rows left;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i]->steps_done() == before[i]) left.push_back(rows[i]);
  }
  if (left.empty() || rows.size() == 1) return status;
  const auto half =
      left.begin() + static_cast<std::ptrdiff_t>(FirstHalf(left.size()));
  SHEAF_RETURN_IF_ERROR(StepAlike(key, {left.begin(), half}));
  return half == left.end() ? absl::OkStatus()
                            : StepAlike(key, {half, left.end()});
}

int64_t RowStepper::WeightOf(const Row& row) const {
  int64_t weight = 0;
  for (const Branch& branch : row.start().branches) {
    weight += denoiser_->WeightOf({&row, &branch});
  }
  return weight;
}

size_t RowStepper::CountThatFits(const CallKey& key, const Rows& rows,
                                 size_t first) const {
  const std::lock_guard lock(mutex_);
  const auto limit = heaviest_.find(key);
  if (limit == heaviest_.end()) return rows.size() - first;
  int64_t weight = WeightOf(*rows[first]);
  size_t count = 1;
  while (first + count < rows.size()) {
    weight += WeightOf(*rows[first + count]);
    if (weight > limit->second) break;
    ++count;
  }
  return count;
}

void RowStepper::NoteWent(size_t rows) const {
  const std::lock_guard lock(mutex_);
  together_.most = std::max(together_.most, rows);
}

// A single row that does not fit is an error for the caller, and is tried again
// in later steps.
void RowStepper::NoteRanOut(const CallKey& key, const Rows& rows) const {
  int64_t halves[2] = {0, 0};
  for (size_t i = 0; i < rows.size(); ++i) {
    halves[i < FirstHalf(rows.size()) ? 0 : 1] += WeightOf(*rows[i]);
  }
  const std::lock_guard lock(mutex_);
  const size_t before = together_.ran_out;
  together_.ran_out = before == 0 ? rows.size() : std::min(before, rows.size());
  heaviest_[key] = std::max(halves[0], halves[1]);
}

RowStepper::Together RowStepper::together() const {
  const std::lock_guard lock(mutex_);
  return together_;
}

void RowStepper::ForgetLimits() const {
  const std::lock_guard lock(mutex_);
  heaviest_.clear();
  together_ = Together();
}

void RowStepper::Call(const Rows& rows) const {
  std::vector<Line> lines;
  for (const Row* row : rows) {
    for (const Branch& branch : row->start().branches) {
      lines.push_back({row, &branch});
    }
  }
  const std::vector<at::Tensor> answers = denoiser_->Call(lines, memory_.get());
  SHEAF_CHECK(answers.size() == lines.size());
  auto answer = answers.begin();
  for (Row* row : rows) {
    const auto end =
        answer + static_cast<std::ptrdiff_t>(row->start().branches.size());
    row->Advance({answer, end});
    answer = end;
  }
}

}  // namespace sheaf::engine
