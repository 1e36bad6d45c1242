#include "batching/continuous/choose.h"

#include <algorithm>
#include <tuple>

namespace sheaf::batching {
namespace {

int LimitOf(const Head& head, const WaitPolicy& policy) {
  return std::max(1, std::min(head.rows_max, policy.batch_max));
}

bool IsFull(const Head& head, const WaitPolicy& policy) {
  return head.rows >= LimitOf(head, policy);
}

// The head to run if one must be run now: the highest priority; then the one
// that has to start soonest; then the loaded model, unless another has been
// passed over for too long; then the oldest.
size_t Best(absl::Span<const Head> heads, const WaitPolicy& policy,
            absl::Time now) {
  const auto rank = [&](const Head& head) {
    const bool overdue = now - head.oldest > policy.defer_max;
    const bool urgent = head.start_by - now < policy.wait_max;
    return std::make_tuple(-static_cast<int>(head.priority),
                           urgent ? head.start_by : absl::InfiniteFuture(),
                           overdue ? head.oldest : absl::InfiniteFuture(),
                           !head.loaded, head.oldest);
  };
  size_t best = 0;
  for (size_t i = 1; i < heads.size(); ++i) {
    if (rank(heads[i]) < rank(heads[best])) best = i;
  }
  return best;
}

absl::Duration AdaptiveBudget(const WaitPolicy& policy, int64_t depth) {
  const double threshold = std::max(1, policy.adaptive_threshold);
  const double part =
      std::clamp(1 - static_cast<double>(depth) / (2 * threshold), 0.0, 1.0);
  const absl::Duration wait_min = std::min(policy.wait_min, policy.wait_max);
  return wait_min + (policy.wait_max - wait_min) * part;
}

absl::Duration EconomicBudget(const Head& head, const WaitPolicy& policy,
                              const DeviceView& device) {
  const double saved = SavedByOneMore(head);
  const int64_t enough = int64_t{LimitOf(head, policy)} * device.devices;
  if (!device.idle || device.depth >= enough) return absl::ZeroDuration();
  // Each millisecond brings lambda runs, saves that much of the device, and
  // costs every run in the batch a millisecond.
  const double per_ms = head.arrivals_per_second / 1000;
  if (per_ms * saved <= policy.waiting_weight * head.rows) {
    return absl::ZeroDuration();
  }
  return std::min(policy.wait_max,
                  absl::Milliseconds(policy.saving_share * saved / head.rows));
}

}  // namespace

std::string_view NameOf(WaitRule rule) {
  switch (rule) {
    case WaitRule::kOff:
      return "off";
    case WaitRule::kAdaptive:
      return "adaptive";
    case WaitRule::kEconomic:
      return "economic";
  }
  return "";
}

std::optional<WaitRule> ParseWaitRule(std::string_view name) {
  for (const WaitRule rule :
       {WaitRule::kOff, WaitRule::kAdaptive, WaitRule::kEconomic}) {
    if (NameOf(rule) == name) return rule;
  }
  return std::nullopt;
}

double SavedByOneMore(const Head& head) {
  return head.ms + head.one_ms - head.more_ms;
}

absl::Duration WaitBudget(const Head& head, const WaitPolicy& policy,
                          const DeviceView& device, absl::Time now) {
  if (policy.rule == WaitRule::kOff || IsFull(head, policy)) {
    return absl::ZeroDuration();
  }
  absl::Duration budget = policy.rule == WaitRule::kAdaptive
                              ? AdaptiveBudget(policy, device.depth)
                              : std::min(EconomicBudget(head, policy, device),
                                         head.expected_by - head.oldest);
  if (policy.rule == WaitRule::kAdaptive && head.rows < policy.batch_min) {
    budget = policy.wait_max;
  }
  const absl::Duration waited = now - head.oldest;
  return std::max(absl::ZeroDuration(),
                  std::min(budget, waited + (head.start_by - now)));
}

Choice ChooseBatch(absl::Span<const Head> heads, const WaitPolicy& policy,
                   const DeviceView& device, absl::Time now) {
  Choice choice;
  if (heads.empty()) return choice;
  const size_t best = Best(heads, policy, now);
  if (IsFull(heads[best], policy)) {
    return {best, now, "the batch is full"};
  }
  for (size_t i = 0; i < heads.size(); ++i) {
    // Another batch could use the device at once, so none keeps it idle.
    if (i == best || !IsFull(heads[i], policy)) continue;
    if (heads[i].priority < heads[best].priority) continue;
    const bool patient = now - heads[best].oldest <= policy.defer_max;
    return {patient && heads[i].start_by <= heads[best].start_by ? i : best,
            now, "another batch is full"};
  }
  const absl::Duration budget = WaitBudget(heads[best], policy, device, now);
  choice.wait_until = heads[best].oldest + budget;
  if (choice.wait_until > now) {
    choice.why = "more runs are worth the wait";
    return choice;
  }
  return {best, now,
          budget > absl::ZeroDuration() ? "it has waited long enough"
                                        : "waiting would gain nothing"};
}

}  // namespace sheaf::batching
