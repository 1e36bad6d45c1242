#include "batching/plan/improve.h"

#include <algorithm>
#include <utility>

namespace sheaf::batching {
namespace {

constexpr double kGainMsMin = 1e-6;  // ms; below it is rounding
// How many pairs of batches may be looked at for each cost that may be asked
// for. Rows that are all alike ask for no cost, and their pairs grow with the
// square of the batches.
constexpr int64_t kPairsPerCost = 16;

class Improver {
 public:
  Improver(const CostModel& model, int size_max, int64_t costs_max,
           std::vector<LooseBatch>* batches)
      : model_(model),
        size_max_(size_max),
        costs_left_(costs_max),
        pairs_left_(costs_max * kPairsPerCost),
        batches_(*batches) {}

  double Run() {
    while (MayGoOn()) {
      const double before = saved_;
      // Near batches (they come in a sensible order) have most to exchange.
      for (size_t d = 1; d < batches_.size() && MayGoOn(); ++d) {
        for (size_t i = 0; i + d < batches_.size() && MayGoOn(); ++i) {
          --pairs_left_;
          Exchange(batches_[i], batches_[i + d]);
        }
      }
      std::erase_if(batches_, [](const auto& b) { return b.rows.empty(); });
      if (saved_ == before) break;
    }
    return saved_;
  }

 private:
  bool MayGoOn() const { return costs_left_ > 0 && pairs_left_ > 0; }

  void Exchange(LooseBatch& a, LooseBatch& b) {
    for (size_t i = 0; i < a.rows.size(); ++i) {
      if (IsRepeated(a, i)) continue;
      for (size_t j = 0; j < b.rows.size(); ++j) {
        if (a.classes[i] == b.classes[j] || IsRepeated(b, j)) continue;
        if (Swap(a, i, b, j)) return;
      }
    }
    for (auto* pair : {&a, &b}) {
      LooseBatch& from = *pair;
      LooseBatch& to = pair == &a ? b : a;
      for (size_t i = 0; i < from.rows.size(); ++i) {
        if (!IsRepeated(from, i) && Move(from, i, to)) return;
      }
    }
  }

  // Rows of one class can stand for each other: trying the first is enough.
  static bool IsRepeated(const LooseBatch& batch, size_t i) {
    return std::find(batch.classes.begin(), batch.classes.begin() + i,
                     batch.classes[i]) != batch.classes.begin() + i;
  }

  bool Swap(LooseBatch& a, size_t i, LooseBatch& b, size_t j) {
    std::swap(a.classes[i], b.classes[j]);
    if (!Keep(a, b)) {
      std::swap(a.classes[i], b.classes[j]);
      return false;
    }
    std::swap(a.rows[i], b.rows[j]);
    return true;
  }

  bool Move(LooseBatch& from, size_t i, LooseBatch& to) {
    if (static_cast<int>(to.rows.size()) >= size_max_ || to.rows.empty()) {
      return false;
    }
    const uint32_t moved = from.classes[i];
    from.classes.erase(from.classes.begin() + i);
    to.classes.push_back(moved);
    if (!Keep(from, to)) {
      to.classes.pop_back();
      from.classes.insert(from.classes.begin() + i, moved);
      return false;
    }
    to.rows.push_back(from.rows[i]);
    from.rows.erase(from.rows.begin() + i);
    return true;
  }

  // Whether the changed batches are cheaper; takes their costs over if so.
  bool Keep(LooseBatch& a, LooseBatch& b) {
    costs_left_ -= 2;
    const double a_ms = model_.Batch(a.classes);
    const double b_ms = model_.Batch(b.classes);
    const double gain = a.ms + b.ms - a_ms - b_ms;
    if (gain < kGainMsMin) return false;
    a.ms = a_ms;
    b.ms = b_ms;
    saved_ += gain;
    return true;
  }

  const CostModel& model_;
  const int size_max_;
  int64_t costs_left_;
  int64_t pairs_left_;
  double saved_ = 0;
  std::vector<LooseBatch>& batches_;
};

}  // namespace

double Improve(const CostModel& model, int size_max, int64_t costs_max,
               std::vector<LooseBatch>* batches) {
  return Improver(model, size_max, costs_max, batches).Run();
}

}  // namespace sheaf::batching
