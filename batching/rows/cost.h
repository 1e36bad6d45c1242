// The predicted time of a batch, from a device profile: the cost model of
// docs/batching.md. The planner asks for it millions of times, so the model
// works on numbers of cost classes and on tables. It borrows the ShapeTable,
// which must not grow after that. One thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "batching/pricing/profile.h"
#include "batching/rows/rows.h"

namespace sheaf::batching {

// How controls are computed: for the rows that use them, or for every row of
// the batch as soon as one does.
enum class Computation { kGathered = 1, kDense = 2 };

class CostModel {
 public:
  // Where the number of live rows changes, seen from the last step backwards.
  struct Mark {
    uint16_t at;
    int16_t change;
  };

  // The same profile for all work; `correction` scales it (calibration.h).
  CostModel(const ShapeTable* shapes, Profile profile, double correction = 1);
  // Each kind of work by its own profile: one per ShapeTable::work, in order.
  CostModel(const ShapeTable* shapes, std::vector<Profile> profiles,
            double correction = 1);

  // Milliseconds for a batch of rows with these cost classes, which are of one
  // key. All rows start together; rows with fewer steps retire early. 0 for no
  // rows.
  double Batch(absl::Span<const uint32_t> classes,
               Computation computation = Computation::kGathered) const;
  // The same for `count` rows of one class.
  double Alike(uint32_t cost_class, int count) const;

  // One step of n UNet rows; one step of a control over n rows that use it.
  // `work` is the rows' work.
  double Step(int n, uint32_t work = 0) const;
  double Control(uint16_t control, int n, uint32_t work = 0) const;
  // A lower bound of what a row of the class adds to any plan whose batches
  // hold `batch_size` runs at most.
  double ShareAtLeast(uint32_t cost_class, int batch_size) const;

  double correction() const { return correction_; }
  const Profile& profile(uint32_t work = 0) const {
    return PricesOf(work).profile;
  }
  const ShapeTable& shapes() const { return *shapes_; }

 private:
  // A profile as tables.
  struct Prices {
    Profile profile;
    mutable std::vector<double> step;  // by rows, as far as it was asked for
    std::vector<Hinge> controls;       // by control
  };

  Prices Tabled(Profile profile) const;
  // Where there is only one, it is for all work.
  const Prices& PricesOf(uint32_t work) const {
    return prices_[prices_.size() == 1 ? 0 : work];
  }
  double Step(const Prices& prices, int n) const;
  double ControlTime(const Prices& prices,
                     absl::Span<const uint32_t> classes) const;
  double DenseControlTime(const Prices& prices,
                          absl::Span<const uint32_t> classes) const;

  const ShapeTable* shapes_;
  double correction_;
  std::vector<Prices> prices_;  // by work, or one; never none
  // Scratch, so that an answer allocates nothing.
  mutable std::vector<Mark> marks_;
  mutable std::vector<std::vector<Mark>> ends_;  // by control; empty between
  mutable std::vector<uint16_t> used_;
  mutable std::vector<uint32_t> repeated_;
};

}  // namespace sheaf::batching
