// What batches were predicted to take, and what they took. Predicts each batch
// as it is handed out, stops the clock when its last run is told, and learns
// from the two (batching/pricing/calibration.h), for each kind of work by
// itself.
//
// Owned by the server. Any thread. What was learned is stored by Upkeep, so a
// crash forgets seconds of it.
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

// What is known of one kind of work, for people.
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
  // Kinds of work kept at most, those that were of no use for longest going
  // first: names come from workers and clients, and memory is bounded.
  static constexpr size_t kKindsMax = 4096;

  // `learned`: as stored.
  BatchMeter(batching::Profile profile,
             const std::map<std::string, std::string>& learned);

  // As configured: what prices work that nobody has measured.
  const batching::Profile& profile() const { return profile_; }

  // A worker has timed such work: from now on it is priced by that, and what
  // earlier prices had to be corrected by is forgotten.
  void Measured(const WorkKind& kind, batching::Profile profile);
  // Forgets what was learned of a model's or a device's work; of all where the
  // name is empty. Answers of how many kinds something was known.
  int Forget(const std::string& name);
  // Whether such work is priced by figures of its own model and device.
  bool IsMeasured(const WorkKind& kind) const;
  // Whether the model was measured on the device, at any size.
  bool HasMeasured(const std::string& device, const std::string& model) const;
  // To load its model, by the profile that prices such work.
  double SwapMs(const WorkKind& kind) const;
  // A profile for each ShapeTable::work, for CostModel: on `device`, or where
  // that is empty on whichever did most of it.
  std::vector<batching::Profile> PricesOf(const batching::ShapeTable& shapes,
                                          const std::string& device = "") const;

  // Handed out to a worker; joins what that has at hand where it asked beside a
  // batch, and then the time that any of these take tells nothing of batches
  // that go by themselves. Answers its predicted milliseconds; for a kind of
  // work that nobody predicts, what a run has taken of late.
  double Started(const Leased& leased, const Lessee& who, absl::Time now);
  // Milliseconds until a worker is done with what it holds, as far as batches
  // of such work have told: not by one that is late.
  std::optional<double> FreeIn(WorkerId worker, absl::Time now) const;
  // Notes what memory the batch has held so far, as the worker says that holds
  // the lease; more than its device has does not count.
  void Held(BatchId batch, const batching::BatchMemory& memory);
  // One of its runs ended, `well` or not; a picture more or less changes what
  // a batch takes, so only batches whose runs all did are learned from.
  void Ended(BatchId batch, bool well);
  // Its last run has been told.
  std::optional<MeasuredBatch> Finished(BatchId batch, absl::Time now);

  // What is known of work like that of most of the rows, on the device that
  // did most of it; nothing learned where that is not known.
  batching::Calibration For(const batching::RowSet& set) const;
  std::map<WorkKind, batching::Calibration> All() const;

  // How many runs of such work fit its device together: at least 1, and 1 for
  // work that is new to it. No limit for a device that has never said what a
  // batch held.
  int RowsMax(const WorkKind& kind) const;
  // The same for whichever device takes most, by model and size; no limit
  // where no batch has said what it held.
  int RowsMax(const std::string& model, int64_t width, int64_t height) const;
  // Guided runs beyond which a batch gains next to nothing, by the profile.
  int Knee() const;
  // "batch size 6 fits; 4 is the knee"; empty where nothing is known.
  std::string Recommendation(const WorkKind& kind) const;
  // Of all work whose times or memory are known, on one device, or on all
  // where `device` is empty.
  std::vector<WorkFigures> Figures(const std::string& device = "") const;

  // Takes what was learned since the last call: name and value to store, an
  // empty value for what was forgotten.
  std::map<std::string, std::string> TakeChanged();

 private:
  struct Memory {
    batching::MemoryBounds bounds;
    // Until a batch has said what others hold.
    double budget = std::numeric_limits<double>::infinity();
  };
  struct UnderWay {
    WorkKind kind;
    WorkerId worker;
    double predicted_ms = 0;
    absl::Time start_time;
    bool well = true;
    bool repriced = false;  // since it was predicted
    bool joined = false;    // it joins others, or others it
    double device_bytes = 0;
    batching::BatchMemory memory;
    PlanId plan;
    int64_t plan_batch = 0;
  };

  // Takes in what was stored; false where it does not read.
  bool Recall(const std::string& name, const std::string& value)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Something is known of it, or will be.
  void Use(const WorkKind& kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetKind(const WorkKind& kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LearnMemory(const UnderWay& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // For() of work on whichever device did most of it.
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
  // When each kind in the three above was last of use.
  std::map<WorkKind, int64_t> used_ ABSL_GUARDED_BY(mutex_);
  int64_t uses_ ABSL_GUARDED_BY(mutex_) = 0;
  // These were learned or forgotten since they were last taken.
  std::set<WorkKind> calibrations_changed_ ABSL_GUARDED_BY(mutex_);
  std::set<WorkKind> memory_changed_ ABSL_GUARDED_BY(mutex_);
  std::set<WorkKind> profiles_changed_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> unreadable_ ABSL_GUARDED_BY(mutex_);  // names
  double run_ms_ ABSL_GUARDED_BY(mutex_) = 1;  // predicted, of late
};

}  // namespace sheaf::server
