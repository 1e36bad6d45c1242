// A policy of leasing whose choices the test makes.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "queue/leasing/lease.h"

namespace sheaf {

// Chooses as the test says, and remembers what it was shown.
class Puppet : public LeasePolicy {
 public:
  Choice Choose(const Queue&, const Lessee&, std::vector<Line> lines,
                absl::Time) const override {
    seen = lines;
    if (wait_until != absl::InfinitePast()) return {{}, wait_until};
    Choice choice;
    for (Line& line : lines) {
      for (LeasedRun& run : line.waiting) {
        if (choice.runs.size() < take) choice.runs.push_back(std::move(run));
      }
    }
    return choice;
  }
  int64_t RunningMax(const std::string&) const override { return running_max; }
  Turn Next(const Lessee&, const std::vector<LaneHead>& heads,
            absl::Time) const override {
    owners.clear();
    for (const LaneHead& head : heads) owners.push_back(head.lane.owner);
    if (next >= heads.size()) return {std::nullopt, turn_wait, better, {}};
    return {next};
  }
  Lane Spelled(const Lessee&, const Lane& lane) const override {
    Lane spelled = lane;
    if (spelled.model.empty()) spelled.model = default_model;
    return spelled;
  }
  size_t CountThatMix(const Lessee&,
                      const std::vector<LeasedRun>& runs) const override {
    return std::min(runs.size(), mix);
  }
  int RowsMax(const Lessee&, const RunParams&) const override {
    return rows_max;
  }
  size_t CountThatFit(const Lessee&,
                      const std::vector<LeasedRun>& runs) const override {
    return std::min<size_t>(runs.size(), rows_max);
  }
  Terms TermsOf(const Lessee&, const Lane&, const std::vector<LeasedRun>& runs,
                double, absl::Time) const override {
    return {std::min<int>(share, static_cast<int>(runs.size()))};
  }
  int64_t running_max = 0;
  size_t next = 0;
  absl::Time turn_wait = absl::InfiniteFuture();
  WorkerId better;
  int share = 100;
  // From the heads and lines that it was last shown.
  mutable std::vector<std::string> owners;
  mutable std::vector<Line> seen;
  size_t take = 4;
  std::string default_model;
  size_t mix = 100;
  int rows_max = 100;
  absl::Time wait_until = absl::InfinitePast();
};

}  // namespace sheaf
