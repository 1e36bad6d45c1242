// A planner's answer: an ordered list of batches over the rows of a snapshot,
// and how it compares. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "batching/rows/cost.h"
#include "batching/rows/rows.h"

namespace sheaf::batching {

enum class Policy {
  kSingles = 1,
  kNatural = 2,  // each job's runs, in chunks: what would run now
  kStrictGreedy = 3,
  kMixedGreedyDense = 4,  // as naive mixed does: controls for all rows
  kMixedGreedy = 5,
  kStrictOptimal = 6,
  kMinimalStrictOptimal = 7,  // equal signatures; settings by row
  kMinimalMixedOptimal = 8,   // the key alone
  kBest = 9,                  // the cheapest of all, leaving jobs included
};

enum class Fill {
  kSingles = 1,
  kJobs = 2,    // chunks of each job
  kGreedy = 3,  // chunks of each group, in arrival order
  kOptimal = 4  // dynamic programming over several orders
};

// The parts of a policy. kBest is made of all others.
struct PolicySpec {
  Policy policy;
  std::string_view name;  // as in docs/batching.md
  Grouping grouping;
  Fill fill = Fill::kGreedy;
  Computation computation = Computation::kGathered;
};
const std::vector<PolicySpec>& PolicySpecs();
const PolicySpec& SpecOf(Policy policy);
// The policies that kBest chooses from: all that compute controls as the engine
// does.
const std::vector<PolicySpec>& BestCandidates();
std::optional<Policy> ParsePolicy(std::string_view name);

// An operator's request, and the rules to choose from for it: a single one
// where there is nothing to choose. Where there are several, leaving the jobs
// as they are is always one of them.
enum class Mode { kStrict = 1, kMixed = 2, kBest = 3 };
enum class Signature {
  kMinimal = 1,
  kConservative = 2,  // seed, steps and guidance in the key, as the original
};
// "strict", "mixed", "best".
std::string_view TextOf(Mode mode);
std::vector<PolicySpec> RulesFor(Mode mode, bool greedy, Signature signature);

// Why a batch ends where it ends.
enum class BatchEnd {
  kSize = 1,     // the queue's batch size
  kMemory = 2,   // what fits the device
  kKnee = 3,     // more rows would gain nothing
  kLast = 4,     // no more runs go with these
  kCheaper = 5,  // a cut here costs less than a fuller batch
  kJob = 6,      // the job has no more
  kAlone = 7,    // this model takes one run at a time
};
std::string_view TextOf(BatchEnd end);

struct PlannedBatch {
  uint32_t begin = 0;  // first of its rows in Plan::order
  uint32_t count = 0;
  uint32_t key = 0;
  BatchEnd end = BatchEnd::kSize;
  Priority priority = Priority::kLow;  // the highest of its runs
  double ms = 0;                       // predicted, without change of model
};

struct Plan {
  Policy policy = Policy::kNatural;
  Computation computation = Computation::kGathered;
  std::vector<uint32_t> order;        // indices into RowSet::rows
  std::vector<PlannedBatch> batches;  // in the order to run them
  double gpu_ms = 0;                  // sum over batches
  int64_t swaps = 0;                  // changes of model between them
  double swap_ms = 0;
  // The rules it was chosen from, where there were several, and what each
  // alone would have taken.
  std::vector<PolicySpec> candidates;
  std::vector<double> candidate_ms;

  absl::Span<const uint32_t> RowsOf(const PlannedBatch& batch) const {
    return absl::MakeConstSpan(order).subspan(batch.begin, batch.count);
  }
};

// Names of the controls that any row of the batch uses, sorted.
std::vector<std::string> ControlTypes(const RowSet& rows, const Plan& plan,
                                      const PlannedBatch& batch);
// Its jobs, in the order in which they first appear in it.
std::vector<JobId> JobsOf(const RowSet& rows, const Plan& plan,
                          const PlannedBatch& batch);

}  // namespace sheaf::batching
