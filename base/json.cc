#include "base/json.h"

#include <charconv>
#include <cmath>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/utf8.h"

namespace sheaf {
namespace {

constexpr int kDepthMax = 32;

void AppendCodePoint(uint32_t code, std::string* out) {
  if (code < 0x80) {
    *out += static_cast<char>(code);
  } else if (code < 0x800) {
    *out += static_cast<char>(0xC0 | code >> 6);
    *out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *out += static_cast<char>(0xE0 | code >> 12);
    *out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    *out += static_cast<char>(0xF0 | code >> 18);
    *out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    *out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

}  // namespace

// A recursive-descent parser; `error_` is set once, at the first fault.
class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : text_(text) {}

  absl::StatusOr<Json> ParseAll() {
    if (!IsValidUtf8(text_)) {
      return absl::InvalidArgumentError("not valid UTF-8");
    }
    Json value;
    if (Value(0, &value)) {
      Blanks();
      if (pos_ == text_.size()) return value;
      Fail("text after the value");
    }
    return absl::InvalidArgumentError(
        absl::StrCat("JSON, byte ", pos_, ": ", error_));
  }

 private:
  bool Fail(const char* what) {
    if (error_.empty()) error_ = what;
    return false;
  }

  void Blanks() {
    while (pos_ < text_.size() &&
           (text_[pos_] == ' ' || text_[pos_] == '\n' || text_[pos_] == '\t' ||
            text_[pos_] == '\r')) {
      ++pos_;
    }
  }

  bool Take(char c) {
    if (pos_ < text_.size() && text_[pos_] == c) {
      ++pos_;
      return true;
    }
    return false;
  }

  bool Literal(std::string_view word) {
    if (text_.substr(pos_, word.size()) != word)
      return Fail("a value expected");
    pos_ += word.size();
    return true;
  }

  bool Value(int depth, Json* out) {
    if (depth > kDepthMax) return Fail("nested too deeply");
    Blanks();
    if (pos_ == text_.size()) return Fail("the text ends early");
    switch (text_[pos_]) {
      case '{':
        return Object(depth, out);
      case '[':
        return Array(depth, out);
      case '"':
        return String(&out->value_.emplace<std::string>());
      case 't':
        out->value_ = true;
        return Literal("true");
      case 'f':
        out->value_ = false;
        return Literal("false");
      case 'n':
        return Literal("null");
      default:
        return Number(out);
    }
  }

  // Whether no member has that name yet. Small objects are searched as they
  // are; a tokenizer's vocabulary has 50000 members and gets a set of `names`.
  static bool IsNew(const Json::Object& members, const std::string& name,
                    std::unordered_set<std::string>* names) {
    constexpr size_t kSearchedMax = 32;
    if (members.size() < kSearchedMax) {
      for (const auto& member : members) {
        if (member.first == name) return false;
      }
      return true;
    }
    if (names->empty()) {
      for (const auto& member : members) names->insert(member.first);
    }
    return names->insert(name).second;
  }

  bool Object(int depth, Json* out) {
    ++pos_;
    std::unordered_set<std::string> names;
    auto& members = out->value_.emplace<Json::Object>();
    Blanks();
    if (Take('}')) return true;
    while (true) {
      Blanks();
      std::string name;
      if (pos_ == text_.size() || text_[pos_] != '"') {
        return Fail("a member's name expected");
      }
      if (!String(&name)) return false;
      if (!IsNew(members, name, &names)) return Fail("a name stands twice");
      Blanks();
      if (!Take(':')) return Fail("':' expected");
      members.emplace_back(std::move(name), Json());
      if (!Value(depth + 1, &members.back().second)) return false;
      Blanks();
      if (Take('}')) return true;
      if (!Take(',')) return Fail("',' or '}' expected");
    }
  }

  bool Array(int depth, Json* out) {
    ++pos_;
    auto& elements = out->value_.emplace<Json::Array>();
    Blanks();
    if (Take(']')) return true;
    while (true) {
      elements.emplace_back();
      if (!Value(depth + 1, &elements.back())) return false;
      Blanks();
      if (Take(']')) return true;
      if (!Take(',')) return Fail("',' or ']' expected");
    }
  }

  bool Hex4(uint32_t* code) {
    if (pos_ + 4 > text_.size()) return Fail("a \\u escape ends early");
    const auto [end, error] = std::from_chars(
        text_.data() + pos_, text_.data() + pos_ + 4, *code, 16);
    if (error != std::errc() || end != text_.data() + pos_ + 4) {
      return Fail("four hex digits expected");
    }
    pos_ += 4;
    return true;
  }

  bool Escape(std::string* out) {
    if (pos_ == text_.size()) return Fail("an escape ends early");
    const char c = text_[pos_++];
    constexpr std::string_view kFrom = "\"\\/bfnrt";
    constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    if (const size_t at = kFrom.find(c); at != kFrom.npos) {
      *out += kTo[at];
      return true;
    }
    uint32_t code = 0;
    if (c != 'u') return Fail("an unknown escape");
    if (!Hex4(&code)) return false;
    if (code >= 0xD800 && code <= 0xDBFF) {
      uint32_t low = 0;
      if (!Take('\\') || !Take('u') || !Hex4(&low) || low < 0xDC00 ||
          low > 0xDFFF) {
        return Fail("half a surrogate pair");
      }
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
      return Fail("half a surrogate pair");
    }
    AppendCodePoint(code, out);
    return true;
  }

  bool String(std::string* out) {
    ++pos_;
    while (pos_ < text_.size()) {
      const char c = text_[pos_++];
      if (c == '"') return true;
      if (c == '\\') {
        if (!Escape(out)) return false;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        return Fail("a bare control character");
      } else {
        *out += c;
      }
    }
    return Fail("a string without an end");
  }

  // JSON's own grammar, which is narrower than that of from_chars.
  bool NumberShape(size_t* end, bool* whole) {
    size_t p = pos_;
    const auto digits = [&] {
      const size_t from = p;
      while (p < text_.size() && text_[p] >= '0' && text_[p] <= '9') ++p;
      return p > from;
    };
    if (p < text_.size() && text_[p] == '-') ++p;
    const size_t first = p;
    if (!digits()) return Fail("a value expected");
    if (text_[first] == '0' && p > first + 1) return Fail("a leading zero");
    *whole = true;
    if (p < text_.size() && text_[p] == '.') {
      ++p;
      *whole = false;
      if (!digits()) return Fail("digits expected");
    }
    if (p < text_.size() && (text_[p] == 'e' || text_[p] == 'E')) {
      ++p;
      *whole = false;
      if (p < text_.size() && (text_[p] == '+' || text_[p] == '-')) ++p;
      if (!digits()) return Fail("digits expected");
    }
    *end = p;
    return true;
  }

  bool Number(Json* out) {
    size_t end = 0;
    bool whole = false;
    if (!NumberShape(&end, &whole)) return false;
    const char* from = text_.data() + pos_;
    const char* to = text_.data() + end;
    pos_ = end;
    int64_t integer = 0;
    if (whole && std::from_chars(from, to, integer).ec == std::errc()) {
      out->value_ = integer;
      return true;
    }
    double number = 0;
    if (std::from_chars(from, to, number).ec != std::errc()) {
      return Fail("a number out of range");
    }
    out->value_ = number;
    return true;
  }

  std::string_view text_;
  size_t pos_ = 0;
  std::string error_;
};

absl::StatusOr<Json> Json::Parse(std::string_view text) {
  return JsonParser(text).ParseAll();
}

std::optional<int64_t> Json::integer() const {
  if (const auto* i = std::get_if<int64_t>(&value_)) return *i;
  return std::nullopt;
}

std::optional<double> Json::number() const {
  if (const auto* i = std::get_if<int64_t>(&value_)) return *i;
  if (const auto* d = std::get_if<double>(&value_)) return *d;
  return std::nullopt;
}

const Json* Json::Find(std::string_view name) const {
  if (const Object* members = object()) {
    for (const auto& [key, value] : *members) {
      if (key == name) return &value;
    }
  }
  return nullptr;
}

void AppendJsonString(std::string_view text, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  *out += '"';
  size_t plain = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = text[i];
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out->append(text, plain, i - plain);
    plain = i + 1;
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += static_cast<char>(c);
    } else if (c == '\n') {
      *out += "\\n";
    } else {
      *out += "\\u00";
      *out += kHex[c >> 4];
      *out += kHex[c & 15];
    }
  }
  out->append(text, plain, text.size() - plain);
  *out += '"';
}

void AppendJsonNumber(double number, std::string* out) {
  char buffer[32];
  // Minus zero equals zero, and equal numbers have equal text.
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), number + 0.0);
  out->append(buffer, end.ptr - buffer);
}

void JsonObject::Name(std::string_view name) {
  if (!first_) *out_ += ',';
  first_ = false;
  AppendJsonString(name, out_);
  *out_ += ':';
}

void AppendJson(const Json& value, std::string* out) {
  if (value.boolean() != nullptr) {
    *out += *value.boolean() ? "true" : "false";
  } else if (value.integer()) {
    *out += std::to_string(*value.integer());
  } else if (value.number()) {
    AppendJsonNumber(*value.number(), out);
  } else if (value.text() != nullptr) {
    AppendJsonString(*value.text(), out);
  } else if (value.array() != nullptr) {
    *out += '[';
    for (const Json& item : *value.array()) {
      if (&item != &value.array()->front()) *out += ',';
      AppendJson(item, out);
    }
    *out += ']';
  } else if (value.object() != nullptr) {
    JsonObject object(out);
    for (const auto& [name, member] : *value.object()) {
      object.Name(name);
      AppendJson(member, out);
    }
    object.Close();
  } else {
    *out += "null";
  }
}

void JsonObject::Text(std::string_view name, std::string_view value) {
  Name(name);
  AppendJsonString(value, out_);
}

void JsonObject::Number(std::string_view name, double value) {
  Name(name);
  AppendJsonNumber(value, out_);
}

void JsonObject::Integer(std::string_view name, int64_t value) {
  Name(name);
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  out_->append(buffer, end.ptr - buffer);
}

void JsonObject::Boolean(std::string_view name, bool value) {
  Name(name);
  *out_ += value ? "true" : "false";
}

}  // namespace sheaf
