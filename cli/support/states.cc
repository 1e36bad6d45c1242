#include "cli/support/states.h"

namespace sheaf::cli {

bool IsFinalState(int state) {
  for (const RunStateFacts& facts : kRunStates) {
    if (static_cast<int>(facts.state) == state) return facts.final;
  }
  return false;
}

int CountIn(const v1::RunCounts& counts, RunState state) {
  // The fields have the numbers of their states.
  const auto* field =
      v1::RunCounts::descriptor()->FindFieldByNumber(static_cast<int>(state));
  return counts.GetReflection()->GetInt32(counts, field);
}

std::string StateChoices() {
  std::string choices;
  for (const RunStateFacts& facts : kRunStates) {
    if (!choices.empty()) choices += '|';
    choices += facts.word;
  }
  return choices;
}

}  // namespace sheaf::cli
