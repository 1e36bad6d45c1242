#include "inference/engine/weights/config.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "base/status.h"
#include "inference/engine/weights/file.h"

namespace sheaf::engine {
namespace {

constexpr size_t kConfigBytesMax = size_t{64} << 20;

// Reads one value; false where it is of another type.
bool As(const Json& json, int64_t* out) {
  if (const std::optional<int64_t> integer = json.integer()) {
    *out = *integer;
    return true;
  }
  // Python writes 1000.0 where the number was computed.
  const std::optional<double> number = json.number();
  if (!number || std::fabs(*number) > 1e15 || *number != std::floor(*number)) {
    return false;
  }
  *out = static_cast<int64_t>(*number);
  return true;
}

bool As(const Json& json, double* out) {
  const std::optional<double> number = json.number();
  if (number) *out = *number;
  return number.has_value();
}

bool As(const Json& json, bool* out) {
  const bool* boolean = json.boolean();
  if (boolean != nullptr) *out = *boolean;
  return boolean != nullptr;
}

bool As(const Json& json, std::string* out) {
  const std::string* text = json.text();
  if (text != nullptr) *out = *text;
  return text != nullptr;
}

// A list of T, or one T.
template <typename T>
bool AsList(const Json& json, std::vector<T>* out) {
  const Json::Array* array = json.array();
  if (array == nullptr) {
    T one{};
    if (!As(json, &one)) return false;
    out->assign(1, one);
    return true;
  }
  out->clear();
  for (const Json& element : *array) {
    T one{};
    if (!As(element, &one)) return false;
    out->push_back(one);
  }
  return true;
}

// Python's Infinity, -Infinity and NaN as null. They mean "no bound" where they
// occur (a scheduler's lambda_min_clipped), as a missing key does.
std::string WithoutInfinities(std::string_view text) {
  std::string result;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') in_string = !in_string;
    if (in_string && text[i] == '\\' && i + 1 < text.size()) {
      result += text[i++];
    } else if (!in_string) {
      bool replaced = false;
      for (const std::string_view word : {"-Infinity", "Infinity", "NaN"}) {
        if (text.substr(i, word.size()) != word) continue;
        result += "null";
        i += word.size() - 1;
        replaced = true;
        break;
      }
      if (replaced) continue;
    }
    result += text[i];
  }
  return result;
}

Json EmptyObject() { return *Json::Parse("{}"); }

}  // namespace

Config::Config() : json_(EmptyObject()) {}

absl::StatusOr<Config> Config::Parse(std::string_view text,
                                     std::string_view source) {
  absl::StatusOr<Json> json = Json::Parse(WithoutInfinities(text));
  if (!json.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(source), ": ", json.status().message()));
  }
  if (json->object() == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(source), ": not a JSON object"));
  }
  return Of(*std::move(json), source);
}

Config Config::Of(Json object, std::string_view source) {
  SHEAF_CHECK(object.object() != nullptr);
  Config config;
  config.json_ = std::move(object);
  config.source_ = source;
  return config;
}

absl::StatusOr<Config> Config::Read(const std::string& path) {
  SHEAF_ASSIGN_OR_RETURN(const std::string text,
                         ReadFile(path, kConfigBytesMax));
  return Parse(text, path);
}

const Json* Config::Find(std::string_view key) const {
  const Json* value = json_.Find(key);
  if (value == nullptr && below_ != nullptr) return below_->Find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Config Config::With(const Config& overrides) const {
  Config result = overrides;
  result.below_ = std::make_shared<const Config>(
      overrides.below_ == nullptr ? *this : With(*overrides.below_));
  return result;
}

template <typename T>
T Config::Reader::Get(std::string_view key, T otherwise,
                      std::string_view type) {
  const Json* json = config_.Find(key);
  T value{};
  if (json == nullptr) return otherwise;
  if (As(*json, &value)) return value;
  Fail(key, absl::StrCat("is not ", ToAbsl(type)));
  return otherwise;
}

template <typename T>
std::vector<T> Config::Reader::GetList(std::string_view key,
                                       std::vector<T> otherwise,
                                       std::string_view type) {
  const Json* json = config_.Find(key);
  std::vector<T> values;
  if (json == nullptr) return otherwise;
  if (AsList(*json, &values)) return values;
  Fail(key, absl::StrCat("is not a list of ", ToAbsl(type)));
  return otherwise;
}

int64_t Config::Reader::Int(std::string_view key, int64_t otherwise) {
  return Get(key, otherwise, "a whole number");
}

double Config::Reader::Double(std::string_view key, double otherwise) {
  return Get(key, otherwise, "a number");
}

bool Config::Reader::Bool(std::string_view key, bool otherwise) {
  return Get(key, otherwise, "true or false");
}

std::string Config::Reader::Text(std::string_view key,
                                 std::string_view otherwise) {
  return Get(key, std::string(otherwise), "a text");
}

std::optional<int64_t> Config::Reader::OptionalInt(std::string_view key) {
  if (!config_.Has(key)) return std::nullopt;
  return Int(key, 0);
}

std::optional<double> Config::Reader::OptionalDouble(std::string_view key) {
  if (!config_.Has(key)) return std::nullopt;
  return Double(key, 0);
}

std::optional<std::string> Config::Reader::OptionalText(std::string_view key) {
  if (!config_.Has(key)) return std::nullopt;
  return Text(key, "");
}

std::vector<int64_t> Config::Reader::Ints(std::string_view key,
                                          std::vector<int64_t> otherwise) {
  return GetList(key, std::move(otherwise), "whole numbers");
}

std::vector<double> Config::Reader::Doubles(std::string_view key,
                                            std::vector<double> otherwise) {
  return GetList(key, std::move(otherwise), "numbers");
}

std::vector<std::string> Config::Reader::Texts(
    std::string_view key, std::vector<std::string> otherwise) {
  return GetList(key, std::move(otherwise), "texts");
}

std::vector<int64_t> Config::Reader::IntForEach(std::string_view key,
                                                size_t count,
                                                int64_t otherwise) {
  std::vector<int64_t> values = Ints(key, {otherwise});
  const Json* json = config_.Find(key);
  const bool is_list = json != nullptr && json->array() != nullptr;
  if (is_list && values.size() != count) {
    Fail(key, absl::StrCat("has ", values.size(), " elements, not ", count));
    return std::vector<int64_t>(count, otherwise);
  }
  if (!is_list) values.assign(count, values[0]);
  return values;
}

std::vector<bool> Config::Reader::BoolForEach(std::string_view key,
                                              size_t count, bool otherwise) {
  std::vector<bool> values = GetList<bool>(key, {otherwise}, "true and false");
  const Json* json = config_.Find(key);
  const bool is_list = json != nullptr && json->array() != nullptr;
  if (is_list && values.size() != count) {
    Fail(key, absl::StrCat("has ", values.size(), " elements, not ", count));
    return std::vector<bool>(count, otherwise);
  }
  if (!is_list) values.assign(count, bool{values[0]});
  return values;
}

std::string Config::Reader::Choice(
    std::string_view key, std::string_view otherwise,
    const std::vector<std::string_view>& allowed) {
  const std::string value = Text(key, otherwise);
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    std::string list;
    for (const std::string_view word : allowed) {
      absl::StrAppend(&list, list.empty() ? "" : ", ", ToAbsl(word));
    }
    Fail(key, absl::StrCat("is ", value, ", not one of: ", list));
    return std::string(otherwise);
  }
  return value;
}

void Config::Reader::Fail(std::string_view key, std::string_view what) {
  if (!status_.ok()) return;
  status_ = absl::InvalidArgumentError(
      absl::StrCat(config_.source(), ": ", ToAbsl(key), " ", ToAbsl(what)));
}

}  // namespace sheaf::engine
