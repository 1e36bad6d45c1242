// The JSON inside text columns. docs/schema.md shows each form.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "queue/event.h"
#include "queue/types.h"

namespace sheaf {

std::string LabelsText(const std::map<std::string, std::string>& labels);
std::string ErrorText(const RunError& error);
std::string OutputsText(const std::vector<Output>& outputs);
std::string RunIdsText(const std::vector<RunId>& runs);
std::string RunPairsText(const std::map<RunId, RunId>& pairs);
// The part of an event that is not in its columns; empty where there is none.
std::string EventText(const Event& event);

// The opposites. Throw BrokenRow.
std::map<std::string, std::string> ParseLabels(std::string_view text);
RunError ParseError(std::string_view text);
std::vector<Output> ParseOutputs(std::string_view text);
std::vector<RunId> ParseRunIds(std::string_view text);
std::map<RunId, RunId> ParseRunPairs(std::string_view text);
void ParseEventText(std::string_view text, Event* event);

}  // namespace sheaf
