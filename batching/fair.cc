#include "batching/fair.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace sheaf::batching {
namespace {

constexpr double kWeightMin = 1e-3;  // nobody is starved by a weight of 0

double QuantumOf(const std::string& owner, const FairOptions& options) {
  const auto found = options.weights.find(owner);
  const double weight = found == options.weights.end() ? 1 : found->second;
  return std::max(weight, kWeightMin) * std::max(options.quantum_ms, 1e-3);
}

// Rounds until the owner can pay.
double RoundsOf(const FairState& state, const OwnerHead& head,
                const FairOptions& options) {
  const double missing = head.ms - state.deficit_ms.at(head.owner);
  if (missing <= 0) return 0;
  return std::ceil(missing / QuantumOf(head.owner, options));
}

// Owners without work save nothing; new ones start at nothing.
void Renew(absl::Span<const OwnerHead> heads, FairState* state) {
  std::map<std::string, double> renewed;
  for (const OwnerHead& head : heads) {
    const auto found = state->deficit_ms.find(head.owner);
    renewed[head.owner] = found == state->deficit_ms.end() ? 0 : found->second;
  }
  state->deficit_ms = std::move(renewed);
}

}  // namespace

Turn NextTurn(FairState state, absl::Span<const OwnerHead> heads,
              const FairOptions& options, absl::Time now) {
  Renew(heads, &state);
  if (heads.empty()) return {std::nullopt, std::move(state)};
  size_t oldest = 0;
  size_t next = 0;
  std::pair<double, std::pair<bool, std::string>> least = {
      std::numeric_limits<double>::infinity(), {true, ""}};
  for (size_t i = 0; i < heads.size(); ++i) {
    if (heads[i].oldest < heads[oldest].oldest) oldest = i;
    // Of those who can pay equally soon, the next in the round.
    const std::pair<double, std::pair<bool, std::string>> rank = {
        RoundsOf(state, heads[i], options),
        {heads[i].owner <= state.last, heads[i].owner}};
    if (rank >= least) continue;
    least = rank;
    next = i;
  }
  if (now - heads[oldest].oldest > options.age_max) {
    next = oldest;
  } else {
    for (auto& [owner, deficit] : state.deficit_ms) {
      deficit += least.first * QuantumOf(owner, options);
    }
  }
  state.deficit_ms[heads[next].owner] -= heads[next].ms;
  state.last = heads[next].owner;
  return {next, std::move(state)};
}

}  // namespace sheaf::batching
