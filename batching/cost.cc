#include "batching/cost.h"

#include <algorithm>
#include <limits>

namespace sheaf::batching {
namespace {

constexpr int kTabled = 512;  // UNet rows whose step time is looked up

// Sorts falling. A batch is a handful of rows, mostly in order already.
void SortByEnd(std::vector<CostModel::Mark>* marks) {
  constexpr size_t kFew = 48;
  const auto later = [](const CostModel::Mark& a, const CostModel::Mark& b) {
    return a.at > b.at;
  };
  if (marks->size() > kFew) {
    std::sort(marks->begin(), marks->end(), later);
    return;
  }
  for (size_t i = 1; i < marks->size(); ++i) {
    const CostModel::Mark mark = (*marks)[i];
    size_t j = i;
    for (; j > 0 && later(mark, (*marks)[j - 1]); --j) {
      (*marks)[j] = (*marks)[j - 1];
    }
    (*marks)[j] = mark;
  }
}

// The time of all steps, from the last one back to the first: how many rows
// live changes at the marks only.
template <class TimeOf>
double Swept(std::vector<CostModel::Mark>* marks, TimeOf time_of) {
  SortByEnd(marks);
  double time = 0;
  int live = 0;
  for (size_t i = 0; i < marks->size(); ++i) {
    live += (*marks)[i].change;
    const int next = i + 1 < marks->size() ? (*marks)[i + 1].at : 0;
    if (live == 0 || (*marks)[i].at == next) continue;
    time += ((*marks)[i].at - next) * time_of(live);
  }
  return time;
}

}  // namespace

CostModel::CostModel(const ShapeTable* shapes, Profile profile,
                     double correction)
    : shapes_(shapes), profile_(std::move(profile)), correction_(correction) {
  step_.resize(kTabled + 1);
  for (int n = 1; n <= kTabled; ++n) step_[n] = profile_.Step(n) * correction;
  ends_.resize(shapes->controls());
  for (size_t i = 0; i < shapes->controls(); ++i) {
    const auto id = static_cast<uint16_t>(i);
    Hinge hinge = profile_.Control(shapes->control(id));
    controls_.push_back(
        {hinge.h * correction, hinge.a * correction, hinge.b * correction});
  }
}

double CostModel::Step(int n) const {
  if (n <= kTabled) return step_[n];
  return profile_.Step(n) * correction_;
}

double CostModel::Control(uint16_t control, int n) const {
  return controls_[control].At(n);
}

double CostModel::Batch(absl::Span<const uint32_t> classes,
                        Computation computation) const {
  if (classes.empty()) return 0;
  const int n = static_cast<int>(classes.size());
  double time =
      correction_ * (profile_.encode.At(n) + n * profile_.decode.At(1));
  bool controlled = false;
  marks_.clear();
  for (const uint32_t id : classes) {
    const CostClass& row = shapes_->cost(id);
    controlled |= !row.controls.empty();
    marks_.push_back({row.steps, static_cast<int16_t>(row.width)});
  }
  time += Swept(&marks_, [&](int live) { return Step(live); });
  if (!controlled) return time;
  return time + (computation == Computation::kDense ? DenseControlTime(classes)
                                                    : ControlTime(classes));
}

double CostModel::ControlTime(absl::Span<const uint32_t> classes) const {
  used_.clear();
  for (const uint32_t id : classes) {
    const CostClass& row = shapes_->cost(id);
    const auto width = static_cast<int16_t>(row.width);
    for (const ControlSpan& span : row.controls) {
      std::vector<Mark>& ends = ends_[span.control];
      if (ends.empty()) used_.push_back(span.control);
      ends.push_back({span.last, width});
      if (span.first > 0) {
        ends.push_back({span.first, static_cast<int16_t>(-width)});
      }
    }
  }
  double time = 0;
  for (const uint16_t control : used_) {
    time += Swept(&ends_[control],
                  [&](int live) { return controls_[control].At(live); });
    ends_[control].clear();
  }
  return time;
}

// Step by step: only the original's way needs it, and nobody plans by it.
double CostModel::DenseControlTime(absl::Span<const uint32_t> classes) const {
  uint32_t last = 0;
  for (const uint32_t id : classes) {
    last = std::max<uint32_t>(last, shapes_->cost(id).steps);
  }
  double time = 0;
  std::vector<char> used(controls_.size());
  for (uint32_t step = 0; step < last; ++step) {
    std::fill(used.begin(), used.end(), 0);
    int live = 0;
    for (const uint32_t id : classes) {
      const CostClass& row = shapes_->cost(id);
      if (row.steps > step) live += row.width;
      for (const ControlSpan& span : row.controls) {
        if (span.first <= step && step < span.last) used[span.control] = 1;
      }
    }
    for (size_t control = 0; control < used.size(); ++control) {
      if (used[control]) time += controls_[control].At(live);
    }
  }
  return time;
}

double CostModel::Alike(uint32_t cost_class, int count) const {
  if (count == 0) return 0;
  const CostClass& row = shapes_->cost(cost_class);
  const int live = count * row.width;
  double time = correction_ * (profile_.encode.At(count) +
                               count * profile_.decode.At(1)) +
                row.steps * Step(live);
  // The same control twice in one row counts both: rare enough to ask Batch.
  for (size_t i = 1; i < row.controls.size(); ++i) {
    if (row.controls[i].control != row.controls[i - 1].control) continue;
    repeated_.assign(count, cost_class);
    return Batch(repeated_);
  }
  for (const ControlSpan& span : row.controls) {
    time += (span.last - span.first) * controls_[span.control].At(live);
  }
  return time;
}

double CostModel::ShareAtLeast(uint32_t cost_class, int batch_size) const {
  const CostClass& row = shapes_->cost(cost_class);
  const int rows_max = 2 * batch_size;
  double step = std::numeric_limits<double>::infinity();
  for (int n = 1; n <= rows_max; ++n) step = std::min(step, Step(n) / n);
  double share = row.steps * row.width * step +
                 correction_ * (profile_.encode.At(batch_size) / batch_size +
                                profile_.decode.At(1));
  for (const ControlSpan& span : row.controls) {
    double least = std::numeric_limits<double>::infinity();
    for (int n = 1; n <= rows_max; ++n) {
      least = std::min(least, controls_[span.control].At(n) / n);
    }
    share += (span.last - span.first) * row.width * least;
  }
  return share;
}

}  // namespace sheaf::batching
