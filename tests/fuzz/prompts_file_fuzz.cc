// Any bytes as a file of prompts: refused with line numbers, or runs that mean
// the same when written as JSON Lines and read again. The first byte may choose
// the format.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "cli/support/prompts_file.h"
#include "google/protobuf/util/field_comparator.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"

namespace {

using sheaf::cli::ParsePrompts;
using sheaf::cli::PromptsFormat;
using sheaf::v1::RunRequest;

PromptsFormat FormatOf(std::string_view* text) {
  const char first = text->empty() ? '-' : text->front();
  if (first == 'c' || first == 'j') text->remove_prefix(1);
  if (first == 'c') return PromptsFormat::kCsv;
  if (first == 'j') return PromptsFormat::kJsonLines;
  return sheaf::cli::GuessPromptsFormat("-", *text);
}

std::string AsJsonLines(const std::vector<RunRequest>& runs) {
  std::string lines;
  for (const RunRequest& run : runs) {
    if (!google::protobuf::util::MessageToJsonString(run, &lines).ok()) {
      std::abort();
    }
    lines += '\n';
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const PromptsFormat format = FormatOf(&text);
  const auto runs = ParsePrompts("f", format, text);
  if (!runs.ok()) {
    if (!absl::IsInvalidArgument(runs.status())) std::abort();
    if (!absl::StartsWith(runs.status().message(), "f")) std::abort();
    return 0;
  }
  const auto again =
      ParsePrompts("again", PromptsFormat::kJsonLines, AsJsonLines(*runs));
  if (!again.ok() || again->size() != runs->size()) std::abort();
  google::protobuf::util::DefaultFieldComparator values;
  values.set_treat_nan_as_equal(true);
  google::protobuf::util::MessageDifferencer differ;
  differ.set_field_comparator(&values);
  for (size_t i = 0; i < runs->size(); ++i) {
    if (!differ.Compare((*runs)[i], (*again)[i])) std::abort();
  }
  return 0;
}
