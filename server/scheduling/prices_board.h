// The times that work is predicted to take: the profiles that workers measured,
// and how far batches of each kind of work went over or under their predictions
// (batching/pricing/calibration.h).
//
// Owned by the server. Any thread. Maintenance stores what was learned, so a
// crash loses only seconds of it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "batching/pricing/calibration.h"
#include "batching/pricing/measured_profiles.h"
#include "batching/pricing/profile.h"
#include "batching/pricing/work_kind.h"
#include "batching/rows/rows.h"
#include "server/scheduling/recent_kinds.h"

namespace sheaf::server {

// The predicted time of a batch.
struct Prediction {
  WorkKind kind;
  double ms = 0;  // by the profile alone
  // The price that it was predicted by: changes when such work is measured
  // again.
  int64_t price = 0;
};

class PricesBoard {
 public:
  // `profile`: the configured one, which prices work that nobody has measured.
  explicit PricesBoard(batching::Profile profile);

  // Takes in a stored figure; false where it is no price, or cannot be read.
  bool Recall(const std::string& name, const std::string& value);
  const batching::Profile& profile() const { return profile_; }

  // Takes a worker's timing of such work: the timing prices the work from now
  // on, and the corrections of earlier prices are forgotten.
  void Measured(const WorkKind& measured, batching::Profile profile);
  // Forgets the prices of the model or device `name`, or all where `name` is
  // empty. Answers the kinds of work that it forgot.
  std::set<WorkKind> Forget(const std::string& name);

  // Whether such work is priced by figures of its own model and device.
  bool IsMeasured(const WorkKind& kind) const;
  // Whether the model was measured on the device, at any size.
  bool HasMeasured(const std::string& device, const std::string& model) const;
  // Whether the device's worker found that it must step the model's rows one by
  // one.
  bool StepsAlone(const std::string& device, const std::string& model) const;
  // The kinds of work that were measured themselves, on one device, or on all
  // where `device` is empty.
  std::vector<WorkKind> MeasuredOn(const std::string& device) const;
  // The profile that prices such work.
  batching::Profile ProfileOf(const WorkKind& kind) const;
  // Milliseconds to load the work's model, by that profile.
  double SwapMs(const WorkKind& kind) const { return ProfileOf(kind).swap; }
  // A profile for each ShapeTable::work, for CostModel: on `device`, or, where
  // that is empty, on the device that did most of the work.
  std::vector<batching::Profile> PricesOf(const batching::ShapeTable& shapes,
                                          const std::string& device = "") const;
  // The number of guided runs above which a batch gains next to nothing: by the
  // configured profile, and by that of such work.
  int Knee() const;
  int Knee(const WorkKind& kind) const;

  // Predicts a batch of all these rows, of which there is at least one, by the
  // prices of the kind's device.
  Prediction Predict(const batching::RowSet& set, const WorkKind& kind);
  // The same for a batch that has been priced already, a moment ago.
  Prediction Predicted(double ms, const WorkKind& kind);
  // Learns from the time that a batch took. Learns nothing where the prices
  // have changed since it was predicted.
  void Learn(const Prediction& prediction, absl::Duration actual);
  // The factor by which predictions of such work are corrected; nothing where
  // too few of its batches have run, and of those of like work with another
  // number of controls.
  std::optional<double> CorrectionOf(const WorkKind& kind) const;
  // The calibration of work like that of most of the rows, with as many
  // controls or nearly so, on the device that did most of it; an empty one
  // where none is known.
  batching::Calibration For(const batching::RowSet& set) const;
  std::map<WorkKind, batching::Calibration> All() const;

  // Takes the changes since the last call: names and values to store. A
  // forgotten name has an empty value.
  std::map<std::string, std::string> TakeChanged();

 private:
  void Put(const WorkKind& kind, batching::Profile profile)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Use(const WorkKind& kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetKind(const WorkKind& kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether such work has another price now that `measured` was measured: so
  // have the sizes of that model that were never measured themselves.
  bool IsRepriced(const WorkKind& kind, const WorkKind& measured) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  int64_t PriceNumberOf(const WorkKind& kind) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // The profile for such work of the device that did most of it.
  batching::Profile PriceAnywhere(const batching::Work& work) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const batching::Profile profile_;
  mutable absl::Mutex mutex_;
  batching::MeasuredProfiles measured_ ABSL_GUARDED_BY(mutex_);
  // The same kinds: the number of the measurement that priced each.
  std::map<WorkKind, int64_t> numbers_ ABSL_GUARDED_BY(mutex_);
  int64_t measurements_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<WorkKind, batching::Calibration> known_ ABSL_GUARDED_BY(mutex_);
  RecentKinds recent_ ABSL_GUARDED_BY(mutex_);
  // Kinds that were learned or forgotten since they were last taken.
  std::set<WorkKind> calibrations_changed_ ABSL_GUARDED_BY(mutex_);
  std::set<WorkKind> profiles_changed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf::server
