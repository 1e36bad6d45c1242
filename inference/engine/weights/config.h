// A component's config.json: typed reading with defaults, where null means
// absent, as it does to the library that writes these files.
//
//   Config::Reader r(config);
//   channels = r.Int("in_channels", 4);
//   SHEAF_RETURN_IF_ERROR(r.status());
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/json.h"

namespace sheaf::engine {

// Immutable; any thread may read.
class Config {
 public:
  class Reader;

  // An empty object.
  Config();

  // INVALID_ARGUMENT where `text` is not one JSON object; `source` names it in
  // all messages. Infinity and NaN, which Python writes although JSON does not
  // have them, are read as null.
  static absl::StatusOr<Config> Parse(std::string_view text,
                                      std::string_view source);
  // A configuration from a parsed value; `object` must be a JSON object.
  static Config Of(Json object, std::string_view source);
  // The errors of ReadFile and Parse. At most 64 MiB (a tokenizer.json).
  static absl::StatusOr<Config> Read(const std::string& path);

  // The value of that key; null where it is missing or null.
  const Json* Find(std::string_view key) const;
  bool Has(std::string_view key) const { return Find(key) != nullptr; }
  // Its own object, without the configuration below it (see With()).
  const Json& json() const { return json_; }
  const std::string& source() const { return source_; }

  // Lays `overrides` over this configuration: the result has the keys of
  // `overrides`, and those of ours that it lacks. This is how a request changes
  // a model's configuration.
  Config With(const Config& overrides) const;

 private:
  Json json_;
  std::string source_;
  std::shared_ptr<const Config> below_;  // Null except in a result of With().
};

// Each getter returns the value, or the default where the key is missing or
// null. A value of another type gives the default, too, and the first such
// fault stays in status(), which names file and key.
class Config::Reader {
 public:
  explicit Reader(const Config& config) : config_(config) {}

  int64_t Int(std::string_view key, int64_t otherwise);
  double Double(std::string_view key, double otherwise);
  bool Bool(std::string_view key, bool otherwise);
  std::string Text(std::string_view key, std::string_view otherwise);

  // None where missing.
  std::optional<int64_t> OptionalInt(std::string_view key);
  std::optional<double> OptionalDouble(std::string_view key);
  std::optional<std::string> OptionalText(std::string_view key);

  // A list; or one value, which stands for a list of one.
  std::vector<int64_t> Ints(std::string_view key,
                            std::vector<int64_t> otherwise);
  std::vector<double> Doubles(std::string_view key,
                              std::vector<double> otherwise);
  std::vector<std::string> Texts(std::string_view key,
                                 std::vector<std::string> otherwise);
  // A list of `count`, or one value for all of them; any other value is a
  // fault.
  std::vector<int64_t> IntForEach(std::string_view key, size_t count,
                                  int64_t otherwise);
  std::vector<bool> BoolForEach(std::string_view key, size_t count,
                                bool otherwise);

  // One of `allowed`, or a fault that lists them.
  std::string Choice(std::string_view key, std::string_view otherwise,
                     const std::vector<std::string_view>& allowed);

  // For values that only the caller can judge: keeps the first fault.
  void Fail(std::string_view key, std::string_view what);

  const absl::Status& status() const { return status_; }

 private:
  template <typename T>
  T Get(std::string_view key, T otherwise, std::string_view type);
  template <typename T>
  std::vector<T> GetList(std::string_view key, std::vector<T> otherwise,
                         std::string_view type);

  const Config& config_;
  absl::Status status_;
};

}  // namespace sheaf::engine
