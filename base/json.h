// JSON, as much of it as the database's text columns need: a value that parses
// strictly (RFC 8259, valid UTF-8, bounded depth) and a writer that appends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

namespace sheaf {

// A parsed value. Objects keep their order; names are unique.
class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  // INVALID_ARGUMENT, with the byte where it went wrong.
  static absl::StatusOr<Json> Parse(std::string_view text);

  // Each returns the value where it has that type, and otherwise null or
  // nullopt.
  bool is_null() const { return value_.index() == 0; }
  const bool* boolean() const { return std::get_if<bool>(&value_); }
  const std::string* text() const { return std::get_if<std::string>(&value_); }
  const Array* array() const { return std::get_if<Array>(&value_); }
  const Object* object() const { return std::get_if<Object>(&value_); }
  std::optional<int64_t> integer() const;
  std::optional<double> number() const;

  // The member of that name; null where there is none.
  const Json* Find(std::string_view name) const;

 private:
  friend class JsonParser;
  std::variant<std::monostate, bool, int64_t, double, std::string, Array,
               Object>
      value_;
};

// Appends a quoted, escaped string.
void AppendJsonString(std::string_view text, std::string* out);
// Appends a number in the shortest form that reads back equal. The number
// must be finite.
void AppendJsonNumber(double number, std::string* out);
// Appends a value on one line. Parse reads it back equal.
void AppendJson(const Json& value, std::string* out);

// Writes one object: JsonObject o(&out); o.Text("a", x); o.Close();
class JsonObject {
 public:
  explicit JsonObject(std::string* out) : out_(out) { *out_ += '{'; }
  void Text(std::string_view name, std::string_view value);
  void Number(std::string_view name, double value);
  void Integer(std::string_view name, int64_t value);
  void Boolean(std::string_view name, bool value);
  // Writes the name; the caller appends the value to the same string.
  void Name(std::string_view name);
  void Close() { *out_ += '}'; }

 private:
  std::string* out_;
  bool first_ = true;
};

}  // namespace sheaf
