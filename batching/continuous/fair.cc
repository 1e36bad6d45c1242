#include "batching/continuous/fair.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace sheaf::batching {
namespace {

constexpr double kWeightMin = 1e-3;  // nobody is starved by a weight of 0
constexpr size_t kOwnersKept = 10'000;

bool IsOverdue(const FairState& state, const FairHead& head,
               const FairOptions& options, absl::Time now) {
  const auto served = state.served_time.find(head.owner);
  const absl::Time since = served == state.served_time.end()
                               ? head.oldest
                               : std::max(head.oldest, served->second);
  return now - since > options.age_max;
}

// Drops entries that say nothing, and entries over the limit. Not at each
// charge: that would take a time for each owner.
void Sweep(FairState* state, const FairOptions& options, absl::Time now) {
  if (state->clock_ms.size() + state->served_time.size() < state->sweep_size) {
    return;
  }
  // An owner whose clock is at the floor needs no entry.
  std::erase_if(state->clock_ms, [&](const auto& known) {
    return known.second <= state->floor_ms;
  });
  while (state->clock_ms.size() > kOwnersKept) {
    state->clock_ms.erase(state->clock_ms.begin());
  }
  std::erase_if(state->served_time, [&](const auto& known) {
    return now - known.second > options.age_max;
  });
  while (state->served_time.size() > kOwnersKept) {
    state->served_time.erase(state->served_time.begin());
  }
  state->sweep_size =
      2 * (state->clock_ms.size() + state->served_time.size()) + 64;
}

}  // namespace

double WeightOf(const std::string& owner, const FairOptions& options) {
  const auto found = options.weights.find(owner);
  const double weight = found == options.weights.end() ? 1 : found->second;
  return std::max(weight, kWeightMin);
}

double ClockOf(const FairState& state, const std::string& owner) {
  const auto found = state.clock_ms.find(owner);
  return found == state.clock_ms.end()
             ? state.floor_ms
             : std::max(found->second, state.floor_ms);
}

std::vector<size_t> TurnOrder(const FairState& state,
                              absl::Span<const FairHead> heads,
                              const FairOptions& options, absl::Time now) {
  struct Rank {
    bool overdue;
    bool ahead;  // for its model
    double clock;
    size_t head;
  };
  std::vector<Rank> ranks;
  double least = 0;
  for (size_t i = 0; i < heads.size(); ++i) {
    const double clock = ClockOf(state, heads[i].owner);
    least = i == 0 ? clock : std::min(least, clock);
    ranks.push_back(
        {IsOverdue(state, heads[i], options, now), heads[i].loaded, clock, i});
  }
  for (Rank& rank : ranks) {
    rank.ahead = rank.ahead && rank.clock <= least + options.slack_ms;
  }
  std::sort(ranks.begin(), ranks.end(), [&](const Rank& a, const Rank& b) {
    if (a.overdue != b.overdue) return a.overdue;
    if (!a.overdue && a.ahead != b.ahead) return a.ahead;
    const auto place = [&](const Rank& rank) {
      return std::tuple(rank.overdue ? 0 : rank.clock, heads[rank.head].oldest,
                        rank.head);
    };
    return place(a) < place(b);
  });
  std::vector<size_t> order;
  for (const Rank& rank : ranks) order.push_back(rank.head);
  return order;
}

FairState WithWaiting(FairState state, double least_ms) {
  state.floor_ms = std::max(state.floor_ms, least_ms);
  return state;
}

FairState Charged(FairState state, const std::string& owner, double ms,
                  const FairOptions& options, absl::Time now) {
  const double clock = ClockOf(state, owner);
  state.clock_ms[owner] = clock + std::max(ms, 0.0) / WeightOf(owner, options);
  state.served_time[owner] = now;
  Sweep(&state, options, now);
  return state;
}

}  // namespace sheaf::batching
