#include "server/config/config_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "base/near_word.h"
#include "base/status.h"
#include "server/config/config_keys.h"

#define TOML_EXCEPTIONS 0
#include "toml++/toml.h"

namespace sheaf::server {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const std::string why =
        absl::StrCat("cannot read ", path, ": ", strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(why)
                           : absl::InvalidArgumentError(why);
  }
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(file.gcount());
  // A folder can be opened, but not read.
  if (file.bad() || (file.fail() && !file.eof())) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", path));
  }
  if (text.size() > kFileBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is too large"));
  }
  return text;
}

const ConfigKey* FindKey(std::string_view name) {
  for (const ConfigKey& key : ConfigKeys()) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

std::string Suggestion(const std::string& name) {
  std::vector<std::string> names;
  for (const ConfigKey& key : ConfigKeys()) names.push_back(key.name);
  return DidYouMean(name, names);
}

// Says how a value of the key is written in the file.
const char* TypeOf(const ConfigKey& key) {
  if (key.Is<ListKey>()) return "a list of texts in quotes";
  if (key.Is<SwitchKey>()) return "true or false, without quotes";
  if (key.Is<DurationKey>()) return "a duration in quotes, like \"30s\"";
  if (key.Is<TextKey>()) return "a text in quotes";
  const auto& number = std::get<NumberKey>(key.kind);
  if (number.may_be_auto) return "a whole number without quotes, or \"auto\"";
  return number.bytes ? "a number of bytes, or a text like \"64MiB\""
                      : "a whole number, without quotes";
}

// Nothing where the value is of the wrong type.
std::optional<std::vector<std::string>> TextsOf(const ConfigKey& key,
                                                const toml::node& node) {
  using Texts = std::vector<std::string>;
  if (const auto* list = node.as_array(); list && key.Is<ListKey>()) {
    Texts texts;
    for (const toml::node& item : *list) {
      const auto text = item.value_exact<std::string>();
      if (!text) return std::nullopt;
      texts.push_back(*text);
    }
    return texts;
  }
  const auto* number = std::get_if<NumberKey>(&key.kind);
  if (const auto text = node.value_exact<std::string>()) {
    const bool is_number = number && !number->bytes && !number->may_be_auto;
    if (key.Is<SwitchKey>() || is_number) return std::nullopt;
    return Texts{*text};
  }
  if (const auto integer = node.value_exact<int64_t>(); integer && number) {
    return Texts{absl::StrCat(*integer)};
  }
  if (const auto on = node.value_exact<bool>(); on && key.Is<SwitchKey>()) {
    return Texts{*on ? "true" : "false"};
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<RawValues> ReadConfigFile(const std::string& path) {
  SHEAF_ASSIGN_OR_RETURN(const std::string text, ReadText(path));
  const toml::parse_result parsed = toml::parse(text, path);
  if (!parsed) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ":", parsed.error().source().begin.line, ": ",
                     ToAbsl(parsed.error().description())));
  }
  RawValues values;
  for (const auto& [toml_name, node] : parsed.table()) {
    const std::string name(toml_name.str());
    const std::string place = absl::StrCat(path, ":", node.source().begin.line);
    const ConfigKey* key = FindKey(name);
    if (key == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(place, ": unknown key '", name, "'", Suggestion(name)));
    }
    auto texts = TextsOf(*key, node);
    if (!texts) {
      return absl::InvalidArgumentError(
          absl::StrCat(place, ": ", name, " must be ", TypeOf(*key)));
    }
    values[name] = {*std::move(texts), place};
  }
  return values;
}

}  // namespace sheaf::server
