// All that a store holds, as one value: to compare two stores, and to look for
// broken rules.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "queue/store.h"

namespace sheaf {

struct WholeJob {
  Job job;
  RunParams shared;
  std::vector<Run> runs;
  std::vector<RunParams> own;
  std::vector<std::vector<Attempt>> attempts;  // by run
  std::optional<int64_t> position;
  bool operator==(const WholeJob&) const = default;
};

struct WholePlan {
  PlanRecord record;
  std::vector<PlanBatch> batches;
  bool operator==(const WholePlan&) const = default;
};

struct StoreState {
  std::vector<Queue> queues;
  std::vector<OwnerCounts> owners;
  std::vector<WholePlan> plans;  // by queue, newest first
  std::map<int64_t, WholeJob> jobs;
  std::vector<Batch> batches;
  std::vector<Event> events;  // those asked for
  int64_t first_sequence = 0;
  int64_t last_sequence = 0;
  std::vector<Artifact> unreferenced;
  int64_t artifacts = 0;
  int64_t artifact_bytes = 0;
  bool operator==(const StoreState&) const = default;
};

// Reads the state, with the events after `events_after`.
StoreState StateOf(View& view, int64_t events_after);

// The first difference of two states, in words; empty if there is none.
std::string DifferenceOf(const StoreState& a, const StoreState& b);

// Every broken rule: counts that do not add up, runs that run without a batch,
// gaps among the events, requests that made two jobs.
std::vector<std::string> FaultsOf(const StoreState& state);

// Follows the runs by the events alone, and notes every step that the table of
// states forbids.
class RunFollower {
 public:
  // Events in order, each once.
  void Follow(const Event& event);
  // The state of the run as its events tell; kQueued before the first.
  RunState StateOf(RunId run) const;
  const std::vector<std::string>& faults() const { return faults_; }

 private:
  std::map<RunId, RunState> states_;
  int64_t last_ = 0;
  std::vector<std::string> faults_;
};

}  // namespace sheaf
