#include <filesystem>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/text/tokenizer.h"
#include "inference/engine/verify/cases.h"
#include "inference/engine/weights/file.h"

namespace sheaf::engine {
namespace {

constexpr size_t kBytesMax = size_t{256} << 20;

using Tokenizers = std::map<std::string, std::unique_ptr<ClipTokenizer>>;

// `error` counts the ids that differ.
absl::Status CheckTokens(const std::string& folder, const Json& json,
                         Tokenizers* tokenizers, Outcome* outcome) {
  const Json* name = json.Find("tokenizer");
  const Json* prompt = json.Find("prompt");
  const Json* ids = json.Find("ids");
  if (name == nullptr || name->text() == nullptr || prompt == nullptr ||
      prompt->text() == nullptr || ids == nullptr || ids->array() == nullptr) {
    return absl::InvalidArgumentError("not a tokenizer, a prompt and ids");
  }
  std::unique_ptr<ClipTokenizer>& tokenizer = (*tokenizers)[*name->text()];
  if (tokenizer == nullptr) {
    SHEAF_ASSIGN_OR_RETURN(
        ClipTokenizer loaded,
        ClipTokenizer::Load(folder + "/models/" + *name->text()));
    tokenizer = std::make_unique<ClipTokenizer>(std::move(loaded));
  }
  SHEAF_ASSIGN_OR_RETURN(const std::vector<int64_t> actual,
                         tokenizer->Encode(*prompt->text()));
  const Json::Array& expected = *ids->array();
  const size_t common = std::min(actual.size(), expected.size());
  outcome->error =
      static_cast<double>(std::max(actual.size(), expected.size()) - common);
  for (size_t i = 0; i < common; ++i) {
    if (expected[i].integer() != actual[i]) outcome->error += 1;
  }
  return absl::OkStatus();
}

}  // namespace

void RunTokenCases(CaseList* list) {
  const std::string path = list->folder() + "/tokens.json";
  if (!std::filesystem::exists(path)) return;
  const auto text = ReadFile(path, kBytesMax);
  const auto json =
      text.ok() ? Json::Parse(*text) : absl::StatusOr<Json>(text.status());
  if (!json.ok() || json->array() == nullptr) {
    list->Run("tokens", "tokens.json", [&](Outcome*) {
      return json.ok() ? absl::InvalidArgumentError("not a list")
                       : json.status();
    });
    return;
  }
  Tokenizers tokenizers;
  for (size_t i = 0; i < json->array()->size(); ++i) {
    list->Run("tokens", absl::StrCat("tokens.json[", i, "]"),
              [&](Outcome* outcome) {
                return CheckTokens(list->folder(), (*json->array())[i],
                                   &tokenizers, outcome);
              });
  }
}

}  // namespace sheaf::engine
