// The rows of stored plans and their batches.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "queue/plan.h"

namespace sheaf {

class PlanReads {
 public:
  virtual ~PlanReads() = default;

  virtual std::optional<PlanRecord> FindPlan(PlanId id) = 0;
  // A queue's plans, newest first, older than `before` where that is one.
  virtual std::vector<PlanRecord> Plans(const std::string& queue, PlanId before,
                                        int limit) = 0;
  // Plans that no queue goes by and whose expire_time has come.
  virtual std::vector<PlanId> ExpiredPlans(absl::Time by, int limit) = 0;
  virtual std::vector<PlanBatch> PlanBatches(PlanId plan, int64_t after,
                                             int limit) = 0;
  // The batch that the run is in.
  virtual std::optional<PlanBatch> FindPlanBatch(PlanId plan, RunId run) = 0;
  virtual PlanTimes TimesOf(PlanId plan) = 0;
};

class PlanWrites {
 public:
  virtual ~PlanWrites() = default;

  virtual PlanId NewPlanId() = 0;
  virtual void SavePlan(const PlanRecord& plan) = 0;
  virtual void AddPlanBatch(const PlanBatch& batch) = 0;
  virtual void SavePlanBatchTime(PlanId plan, int64_t number,
                                 absl::Duration actual) = 0;
  // Deletes up to `limit` of its batches and runs, and where none is left the
  // plan itself: then true.
  virtual bool DeletePlan(PlanId id, int limit) = 0;
};

}  // namespace sheaf
