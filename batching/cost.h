// What a batch is predicted to take, from a device profile: the cost model of
// docs/batching.md. The planner asks millions of times, so it works on numbers
// of cost classes and on tables made once. Borrows the ShapeTable, which may
// have grown no further by then. One thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "batching/profile.h"
#include "batching/rows.h"

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

  // The same profile for every key; `correction` scales it (calibration.h).
  CostModel(const ShapeTable* shapes, Profile profile, double correction = 1);

  // Milliseconds for a batch of rows with these cost classes. All rows start
  // together; rows with fewer steps retire early. 0 for no rows.
  double Batch(absl::Span<const uint32_t> classes,
               Computation computation = Computation::kGathered) const;
  // The same for `count` rows of one class.
  double Alike(uint32_t cost_class, int count) const;

  // One step of n UNet rows; of a control over n rows that use it.
  double Step(int n) const;
  double Control(uint16_t control, int n) const;
  // A lower bound of what a row of the class adds to any plan whose batches
  // hold `batch_size` runs at most.
  double ShareAtLeast(uint32_t cost_class, int batch_size) const;

  double correction() const { return correction_; }
  const Profile& profile() const { return profile_; }
  const ShapeTable& shapes() const { return *shapes_; }

 private:
  double ControlTime(absl::Span<const uint32_t> classes) const;
  double DenseControlTime(absl::Span<const uint32_t> classes) const;

  const ShapeTable* shapes_;
  Profile profile_;
  double correction_;
  std::vector<double> step_;     // by rows, as far as it was made
  std::vector<Hinge> controls_;  // by control
  // Scratch, so that an answer allocates nothing.
  mutable std::vector<Mark> marks_;
  mutable std::vector<std::vector<Mark>> ends_;  // by control; empty between
  mutable std::vector<uint16_t> used_;
  mutable std::vector<uint32_t> repeated_;
};

}  // namespace sheaf::batching
