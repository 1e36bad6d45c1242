// Compares the times that batches were predicted to take with those that they
// took. Predicts each batch as it is handed out, stops the clock when its last
// run is reported, and learns from both times (batching/pricing/calibration.h),
// for each kind of work by itself.
//
// Owned by the server. Any thread. Maintenance stores what was learned, so a
// crash loses only seconds of it.
#pragma once

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "batching/pricing/calibration.h"
#include "batching/pricing/measured_profiles.h"
#include "batching/pricing/memory.h"
#include "batching/pricing/profile.h"
#include "batching/pricing/work_kind.h"
#include "batching/rows/rows.h"
#include "queue/leasing/lease.h"

namespace sheaf::server {

using batching::MeasuredProfiles;
using batching::ParseWorkKind;
using batching::WorkKind;

// The known figures of one kind of work, for people.
struct WorkFigures {
  WorkKind kind;
  int rows_max = 0;             // 0: no limit known
  batching::MemoryBounds held;  // by its batches, as far as they said
  double budget = 0;            // bytes; 0: not known
  std::string recommendation;
  std::string profile;
  bool measured = false;
};

// A batch that ended well.
struct MeasuredBatch {
  absl::Duration predicted;  // by the profile alone
  absl::Duration actual;
  PlanId plan;  // the batch of a plan that it was, if it was one
  int64_t plan_batch = 0;
};

class BatchMeter {
 public:
  // Most kinds of work that are kept; the least recently used ones go first.
  // Names come from workers and clients, and memory is bounded.
  static constexpr size_t kKindsMax = 4096;

  // `learned`: as stored.
  BatchMeter(batching::Profile profile,
             const std::map<std::string, std::string>& learned);

  // The configured profile, which prices work that nobody has measured.
  const batching::Profile& profile() const { return profile_; }

  // Takes a worker's timing of such work: the timing prices the work from now
  // on, and the corrections of earlier prices are forgotten.
  void Measured(const WorkKind& kind, batching::Profile profile);
  // Forgets what was learned of the work of the model or device `name`, or of
  // all work where `name` is empty. Answers how many kinds of work it forgot.
  int Forget(const std::string& name);
  // Whether such work is priced by figures of its own model and device.
  bool IsMeasured(const WorkKind& kind) const;
  // Whether the model was measured on the device, at any size.
  bool HasMeasured(const std::string& device, const std::string& model) const;
  // Milliseconds to load the work's model, by the profile that prices such
  // work.
  double SwapMs(const WorkKind& kind) const;
  // A profile for each ShapeTable::work, for CostModel: on `device`, or, where
  // that is empty, on the device that did most of the work.
  std::vector<batching::Profile> PricesOf(const batching::ShapeTable& shapes,
                                          const std::string& device = "") const;

  // Notes that a batch was handed out to a worker. Where the worker asked
  // beside a batch, the new batch joins those that it holds; the times of
  // joined batches are not learned from, because they tell nothing of batches
  // that go by themselves. Answers the predicted milliseconds; for work that
  // nobody predicts, the recent average of the predictions for a row, for each
  // run.
  double Started(const Leased& leased, const Lessee& who, absl::Time now);
  // Milliseconds until a worker is done with the batches that it holds; late
  // batches do not count. Nothing where none counts, or where a batch is of a
  // kind of work that is not calibrated.
  std::optional<double> FreeIn(WorkerId worker, absl::Time now) const;
  // Notes the memory that the batch has held so far, as reported by the worker
  // that holds the lease. A figure above the memory of its device is cut to
  // that.
  void Held(BatchId batch, const batching::BatchMemory& memory);
  // Notes that one of the batch's runs ended, `well` or not. A picture more or
  // less changes the time of a batch, so only batches whose runs all ended well
  // are learned from.
  void Ended(BatchId batch, bool well);
  // Notes that the batch's last run was reported. Answers the batch's times;
  // nothing where a run did not end well, or where the batch was joined.
  std::optional<MeasuredBatch> Finished(BatchId batch, absl::Time now);

  // The calibration of work like that of most of the rows, on the device that
  // did most of it; an empty one where none is known.
  batching::Calibration For(const batching::RowSet& set) const;
  std::map<WorkKind, batching::Calibration> All() const;

  // How many runs of such work fit its device together: at least 1, and 1 for
  // work that is new to the device. No limit for a device that has never
  // reported what a batch held.
  int RowsMax(const WorkKind& kind) const;
  // The same by model and size, for the device that takes most; no limit where
  // no batch has reported what it held.
  int RowsMax(const std::string& model, int64_t width, int64_t height) const;
  // The number of guided runs above which a batch gains next to nothing, by the
  // configured profile.
  int Knee() const;
  // "batch size 6 fits; 4 is the knee"; empty where nothing is known.
  std::string Recommendation(const WorkKind& kind) const;
  // The figures of all work whose times or memory are known, on one device, or
  // on all where `device` is empty.
  std::vector<WorkFigures> Figures(const std::string& device = "") const;

  // Takes the changes since the last call: names and values to store. A
  // forgotten name has an empty value.
  std::map<std::string, std::string> TakeChanged();

 private:
  struct Memory {
    batching::MemoryBounds bounds;
    // Infinite until a batch has reported what others hold.
    double budget = std::numeric_limits<double>::infinity();
  };
  struct UnderWay {
    WorkKind kind;
    WorkerId worker;
    double predicted_ms = 0;
    absl::Time start_time;
    bool well = true;
    bool repriced = false;  // since it was predicted
    bool joined = false;    // it joined others, or others joined it
    double device_bytes = 0;
    batching::BatchMemory memory;
    PlanId plan;
    int64_t plan_batch = 0;
  };

  // Takes in a stored figure; false where it cannot be read.
  bool Recall(const std::string& name, const std::string& value)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Marks the kind as used now, and forgets the least recently used kind where
  // there are too many.
  void Use(const WorkKind& kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetKind(const WorkKind& kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether such work has another price now that `measured` was measured: so
  // have the sizes of that model that were never measured themselves.
  bool IsRepriced(const WorkKind& kind, const WorkKind& measured) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void LearnMemory(const UnderWay& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The profile for such work of the device that did most of it.
  batching::Profile PriceAnywhere(const batching::Work& work) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  std::string Recommended(const WorkKind& kind) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const batching::Profile profile_;
  mutable absl::Mutex mutex_;
  std::map<BatchId, UnderWay> under_way_ ABSL_GUARDED_BY(mutex_);
  std::map<WorkKind, batching::Calibration> known_ ABSL_GUARDED_BY(mutex_);
  std::map<WorkKind, Memory> memory_ ABSL_GUARDED_BY(mutex_);
  MeasuredProfiles measured_ ABSL_GUARDED_BY(mutex_);
  // The order in which the kinds in the three above were last used.
  std::map<WorkKind, int64_t> used_ ABSL_GUARDED_BY(mutex_);
  int64_t uses_ ABSL_GUARDED_BY(mutex_) = 0;
  // Kinds that were learned or forgotten since they were last taken.
  std::set<WorkKind> calibrations_changed_ ABSL_GUARDED_BY(mutex_);
  std::set<WorkKind> memory_changed_ ABSL_GUARDED_BY(mutex_);
  std::set<WorkKind> profiles_changed_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> unreadable_ ABSL_GUARDED_BY(mutex_);  // names
  double run_ms_ ABSL_GUARDED_BY(mutex_) = 1;  // predicted for a row, of late
};

}  // namespace sheaf::server
