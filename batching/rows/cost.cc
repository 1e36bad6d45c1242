#include "batching/rows/cost.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"

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

// The time of all steps, from the last one back to the first: the number of
// live rows changes at the marks only.
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
    : shapes_(shapes), correction_(correction), ends_(shapes->controls()) {
  prices_.push_back(Tabled(std::move(profile)));
}

CostModel::CostModel(const ShapeTable* shapes, std::vector<Profile> profiles,
                     double correction)
    : shapes_(shapes), correction_(correction), ends_(shapes->controls()) {
  SHEAF_CHECK(profiles.size() == shapes->works());
  for (Profile& profile : profiles) {
    // Tables are long, and mostly all work has one profile.
    if (!prices_.empty() && profile == prices_[0].profile) {
      prices_.push_back(prices_[0]);
    } else {
      prices_.push_back(Tabled(std::move(profile)));
    }
  }
  if (prices_.empty()) prices_.push_back(Tabled({}));
}

CostModel::Prices CostModel::Tabled(Profile profile) const {
  Prices prices;
  prices.step.push_back(0);
  for (size_t i = 0; i < shapes_->controls(); ++i) {
    const auto id = static_cast<uint16_t>(i);
    const Hinge hinge = profile.Control(shapes_->control(id));
    prices.controls.push_back(
        {hinge.h * correction_, hinge.a * correction_, hinge.b * correction_});
  }
  prices.profile = std::move(profile);
  return prices;
}

double CostModel::Step(const Prices& prices, int n) const {
  if (n > kTabled) return prices.profile.Step(n) * correction_;
  for (int next = static_cast<int>(prices.step.size()); next <= n; ++next) {
    prices.step.push_back(prices.profile.Step(next) * correction_);
  }
  return prices.step[n];
}

double CostModel::Step(int n, uint32_t work) const {
  return Step(PricesOf(work), n);
}

double CostModel::Control(uint16_t control, int n, uint32_t work) const {
  return PricesOf(work).controls[control].At(n);
}

double CostModel::Batch(absl::Span<const uint32_t> classes,
                        Computation computation) const {
  if (classes.empty()) return 0;
  const Prices& prices = PricesOf(shapes_->cost(classes[0]).work);
  const Profile& profile = prices.profile;
  const int n = static_cast<int>(classes.size());
  double time = correction_ * (profile.encode.At(n) + n * profile.decode.At(1));
  bool controlled = false;
  marks_.clear();
  for (const uint32_t id : classes) {
    const CostClass& row = shapes_->cost(id);
    controlled |= !row.controls.empty();
    marks_.push_back({row.steps, static_cast<int16_t>(row.width)});
  }
  time += Swept(&marks_, [&](int live) { return Step(prices, live); });
  if (!controlled) return time;
  return time + (computation == Computation::kDense
                     ? DenseControlTime(prices, classes)
                     : ControlTime(prices, classes));
}

double CostModel::ControlTime(const Prices& prices,
                              absl::Span<const uint32_t> classes) const {
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
                  [&](int live) { return prices.controls[control].At(live); });
    ends_[control].clear();
  }
  return time;
}

// Step by step: only the original's way needs it, and nobody plans by it.
double CostModel::DenseControlTime(const Prices& prices,
                                   absl::Span<const uint32_t> classes) const {
  uint32_t last = 0;
  for (const uint32_t id : classes) {
    last = std::max<uint32_t>(last, shapes_->cost(id).steps);
  }
  double time = 0;
  std::vector<char> used(prices.controls.size());
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
      if (used[control]) time += prices.controls[control].At(live);
    }
  }
  return time;
}

double CostModel::Alike(uint32_t cost_class, int count) const {
  if (count == 0) return 0;
  const CostClass& row = shapes_->cost(cost_class);
  const Prices& prices = PricesOf(row.work);
  const int live = count * row.width;
  double time = correction_ * (prices.profile.encode.At(count) +
                               count * prices.profile.decode.At(1)) +
                row.steps * Step(prices, live);
  // A control that stands twice in one row counts twice. That is rare enough to
  // ask Batch.
  for (size_t i = 1; i < row.controls.size(); ++i) {
    if (row.controls[i].control != row.controls[i - 1].control) continue;
    repeated_.assign(count, cost_class);
    return Batch(repeated_);
  }
  for (const ControlSpan& span : row.controls) {
    time += (span.last - span.first) * prices.controls[span.control].At(live);
  }
  return time;
}

double CostModel::ShareAtLeast(uint32_t cost_class, int batch_size) const {
  const CostClass& row = shapes_->cost(cost_class);
  const Prices& prices = PricesOf(row.work);
  const Profile& profile = prices.profile;
  const int rows_max = 2 * batch_size;
  double step = std::numeric_limits<double>::infinity();
  for (int n = 1; n <= rows_max; ++n)
    step = std::min(step, Step(prices, n) / n);
  double share = row.steps * row.width * step +
                 correction_ * (profile.encode.At(batch_size) / batch_size +
                                profile.decode.At(1));
  for (const ControlSpan& span : row.controls) {
    double least = std::numeric_limits<double>::infinity();
    for (int n = 1; n <= rows_max; ++n) {
      least = std::min(least, prices.controls[span.control].At(n) / n);
    }
    share += (span.last - span.first) * row.width * least;
  }
  return share;
}

}  // namespace sheaf::batching
