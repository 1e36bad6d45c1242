#include "batching/simulate/joining.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "batching/simulate/device.h"

namespace sheaf::batching {
namespace {

const CostClass& ClassOf(const RowSet& set, uint32_t row) {
  return set.shapes.cost(set.shapes.shape(set.rows[row].shape).cost);
}

// How many UNet rows use each control now, and what one more would waste.
class Load {
 public:
  Load(const RowSet& set, const CostModel& model, uint32_t work, int size)
      : set_(set),
        model_(model),
        work_(work),
        rows_(set.shapes.controls()),
        least_(set.shapes.controls()) {
    for (size_t i = 0; i < least_.size(); ++i) {
      double least = std::numeric_limits<double>::infinity();
      for (int n = 1; n <= 2 * size; ++n) {
        const auto control = static_cast<uint16_t>(i);
        least = std::min(least, model.Control(control, n, work) / n);
      }
      least_[i] = least;
    }
  }

  void Add(uint32_t row, int step) {
    const CostClass& cost = ClassOf(set_, row);
    for (const ControlSpan& span : cost.controls) {
      // A control that is done costs nothing any more.
      if (step < span.last) rows_[span.control] += cost.width;
    }
  }

  // The milliseconds per step that the row's controls would add, less those
  // that they must cost anywhere.
  double Waste(uint32_t row) const {
    const CostClass& cost = ClassOf(set_, row);
    double waste = 0;
    for (const ControlSpan& span : cost.controls) {
      const int n = rows_[span.control];
      const double before = n == 0 ? 0 : model_.Control(span.control, n, work_);
      const double added =
          model_.Control(span.control, n + cost.width, work_) - before;
      waste += (added - least_[span.control] * cost.width) *
               (span.last - span.first);
    }
    return waste / cost.steps;
  }

 private:
  const RowSet& set_;
  const CostModel& model_;
  const uint32_t work_;
  std::vector<int> rows_;
  std::vector<double> least_;
};

}  // namespace

std::vector<uint32_t> ChooseJoining(const RowSet& set, const CostModel& model,
                                    absl::Span<const RowUnderWay> under_way,
                                    absl::Span<const uint32_t> waiting,
                                    int room, JoinRule rule) {
  if (waiting.empty()) return {};
  Load load(set, model, ClassOf(set, waiting[0]).work,
            static_cast<int>(under_way.size()) + room);
  for (const RowUnderWay& row : under_way) load.Add(row.row, row.step);
  std::vector<uint32_t> left(waiting.begin(), waiting.end());
  std::vector<uint32_t> joining;
  while (static_cast<int>(joining.size()) < room && !left.empty()) {
    size_t best = 0;
    std::pair<double, double> least = {std::numeric_limits<double>::infinity(),
                                       0};
    for (size_t i = 0; i < left.size(); ++i) {
      std::pair<double, double> rank = {load.Waste(left[i]),
                                        -ClassOf(set, left[i]).steps};
      if (rule == JoinRule::kLongest) std::swap(rank.first, rank.second);
      if (rank >= least) continue;
      least = rank;
      best = i;
    }
    load.Add(left[best], 0);
    joining.push_back(left[best]);
    left.erase(left.begin() + best);
  }
  return joining;
}

double DrainTime(const RowSet& set, const CostModel& model,
                 absl::Span<const uint32_t> waiting, int size, JoinRule rule) {
  VirtualDevice device(&set, &model, Computation::kGathered);
  std::vector<uint32_t> left(waiting.begin(), waiting.end());
  std::vector<RowUnderWay> under_way;
  while (!left.empty() || device.live() > 0) {
    const auto candidates =
        absl::MakeConstSpan(left).subspan(0, kJoinCandidatesMax);
    const auto joining = ChooseJoining(set, model, under_way, candidates,
                                       size - device.live(), rule);
    for (const uint32_t row : joining) {
      under_way.push_back({row, 0});
      left.erase(std::find(left.begin(), left.end(), row));
    }
    device.Admit(joining);
    for (RowUnderWay& row : under_way) ++row.step;
    for (const VirtualDevice::Ended& ended : device.Step()) {
      std::erase_if(under_way, [&](const RowUnderWay& row) {
        return row.row == ended.row;
      });
    }
  }
  return device.gpu_ms();
}

}  // namespace sheaf::batching
