#include "server/wire/validator.h"

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "server/wire/rule_program.h"

namespace sheaf::server {
namespace {

using google::protobuf::Duration;
using google::protobuf::FieldDescriptor;
using google::protobuf::FieldMask;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Timestamp;
using Type = ValueRule::Type;

constexpr int kMaskPathsMax = 64;
constexpr size_t kMaskPathBytesMax = 128;
constexpr size_t kKeyShownMax = 64;
constexpr int kNoIndex = -1;

// The place that is being checked. Its path is written out only when something
// is wrong there.
struct Place {
  const Place* parent = nullptr;
  const FieldDescriptor* field = nullptr;
  int index = kNoIndex;
  const std::string* key = nullptr;
};

// A key is the caller's text: quoted, and cut where it is long.
std::string ShowKey(std::string_view key) {
  if (!IsValidUtf8(key)) return "\"...\"";
  std::string shown = "\"";
  for (size_t i = 0; i < key.size(); ++i) {
    const unsigned char c = key[i];
    const bool starts = (c & 0xC0) != 0x80;
    if (starts && i + 4 > kKeyShownMax) {
      shown += "...";
      break;
    }
    if (c == '"' || c == '\\') shown += '\\';
    shown += c < 0x20 || c == 0x7f ? '?' : static_cast<char>(c);
  }
  return shown + "\"";
}

std::string Show(const Place* place) {
  if (place == nullptr || place->field == nullptr) return "";
  std::string path = Show(place->parent);
  if (!path.empty()) path += '.';
  path += place->field->name();
  if (place->key != nullptr) path += "[" + ShowKey(*place->key) + "]";
  if (place->index != kNoIndex)
    path += "[" + std::to_string(place->index) + "]";
  return path;
}

std::string Show(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), number).ptr;
  return std::string(text, end);
}

// Most text is ASCII: eight bytes at a time.
bool IsText(std::string_view text) {
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    if ((word & 0x8080808080808080) != 0) break;
  }
  return IsValidUtf8(text.substr(i));
}

// The element at `index`, or the field itself at kNoIndex.
double NumberAt(const Reflection& reflection, const Message& message,
                const FieldDescriptor* field, int index) {
  const bool one = index == kNoIndex;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return one ? reflection.GetInt32(message, field)
                 : reflection.GetRepeatedInt32(message, field, index);
    case FieldDescriptor::CPPTYPE_INT64:
      return one ? reflection.GetInt64(message, field)
                 : reflection.GetRepeatedInt64(message, field, index);
    case FieldDescriptor::CPPTYPE_UINT32:
      return one ? reflection.GetUInt32(message, field)
                 : reflection.GetRepeatedUInt32(message, field, index);
    case FieldDescriptor::CPPTYPE_UINT64:
      return one ? reflection.GetUInt64(message, field)
                 : reflection.GetRepeatedUInt64(message, field, index);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return one ? reflection.GetFloat(message, field)
                 : reflection.GetRepeatedFloat(message, field, index);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return one ? reflection.GetDouble(message, field)
                 : reflection.GetRepeatedDouble(message, field, index);
    case FieldDescriptor::CPPTYPE_ENUM:
      return one ? reflection.GetEnumValue(message, field)
                 : reflection.GetRepeatedEnumValue(message, field, index);
    default:
      return 0;
  }
}

class Walk {
 public:
  explicit Walk(Violations& violations) : violations_(violations) {}

  void CheckMessage(const Message& message, const RuleProgram& program,
                    const Place& place) {
    switch (program.kind) {
      case RuleProgram::Kind::kTimestamp:
        return CheckTime(static_cast<const Timestamp&>(message), place);
      case RuleProgram::Kind::kDuration:
        return CheckDuration(static_cast<const Duration&>(message), place);
      case RuleProgram::Kind::kFieldMask:
        return CheckMask(static_cast<const FieldMask&>(message), place);
      case RuleProgram::Kind::kFields:
        break;
    }
    const Reflection& reflection = *message.GetReflection();
    // The place of the whole request has no field: its fields start the path.
    const Place* parent = place.field == nullptr ? nullptr : &place;
    for (const FieldRule& rule : program.fields) {
      if (Full()) return;
      if (rule.field->is_repeated()) {
        CheckElements(reflection, message, rule, parent);
      } else {
        CheckSingle(reflection, message, rule, parent);
      }
    }
  }

 private:
  bool Full() const { return violations_.size() >= kViolationsMax; }

  void Complain(const Place& place, std::string description) {
    if (!Full()) violations_.push_back({Show(&place), std::move(description)});
  }

  void CheckSingle(const Reflection& reflection, const Message& message,
                   const FieldRule& rule, const Place* parent) {
    const FieldDescriptor* field = rule.field;
    const Place place{.parent = parent, .field = field};
    if (!reflection.HasField(message, field)) {
      if (rule.required) return Complain(place, "is required");
      // A zero that cannot be told from unset may still be out of bounds.
      const bool number =
          rule.value.type == Type::kInteger || rule.value.type == Type::kReal;
      if (field->has_presence() || !number) return;
    }
    CheckValue(reflection, message, field, kNoIndex, rule.value, place);
  }

  void CheckElements(const Reflection& reflection, const Message& message,
                     const FieldRule& rule, const Place* parent) {
    const int size = reflection.FieldSize(message, rule.field);
    const Place whole{.parent = parent, .field = rule.field};
    if (size == 0) {
      if (rule.required) Complain(whole, "is required: needs at least one");
      return;
    }
    if (rule.max_items > 0 && static_cast<uint64_t>(size) > rule.max_items) {
      return Complain(whole,
                      "has " + std::to_string(size) + " entries; at most " +
                          std::to_string(rule.max_items) + " are allowed");
    }
    for (int i = 0; i < size && !Full(); ++i) {
      if (rule.key_field != nullptr) {
        CheckEntry(reflection.GetRepeatedMessage(message, rule.field, i), rule,
                   parent);
      } else {
        const Place place{.parent = parent, .field = rule.field, .index = i};
        CheckValue(reflection, message, rule.field, i, rule.value, place);
      }
    }
  }

  void CheckEntry(const Message& entry, const FieldRule& rule,
                  const Place* parent) {
    const Reflection& reflection = *entry.GetReflection();
    Place place{.parent = parent, .field = rule.field};
    std::string scratch;
    if (rule.key.type == Type::kText) {
      place.key =
          &reflection.GetStringReference(entry, rule.key_field, &scratch);
      CheckText(*place.key, rule.key, "key ", place);
      // An empty key passes no pattern, unlike an empty value.
      if (place.key->empty() && rule.key.pattern != nullptr) {
        Complain(place, "key " + rule.key.complaint);
      }
    }
    CheckValue(reflection, entry, rule.value_field, kNoIndex, rule.value,
               place);
  }

  void CheckValue(const Reflection& reflection, const Message& message,
                  const FieldDescriptor* field, int index,
                  const ValueRule& rule, const Place& place) {
    std::string scratch;
    switch (rule.type) {
      case Type::kNothing:
        return;
      case Type::kText:
      case Type::kBytes:
        return CheckText(
            index == kNoIndex
                ? reflection.GetStringReference(message, field, &scratch)
                : reflection.GetRepeatedStringReference(message, field, index,
                                                        &scratch),
            rule, "", place);
      case Type::kInteger:
      case Type::kReal:
        return CheckNumber(NumberAt(reflection, message, field, index), rule,
                           place);
      case Type::kEnum: {
        const int number = NumberAt(reflection, message, field, index);
        if (field->enum_type()->FindValueByNumber(number) != nullptr) return;
        return Complain(place, std::to_string(number) + " is not a value of " +
                                   field->enum_type()->name());
      }
      case Type::kMessage:
        return CheckMessage(
            index == kNoIndex
                ? reflection.GetMessage(message, field)
                : reflection.GetRepeatedMessage(message, field, index),
            *rule.message, place);
    }
  }

  void CheckText(const std::string& text, const ValueRule& rule,
                 std::string_view what, const Place& place) {
    if (rule.max_bytes > 0 && text.size() > rule.max_bytes) {
      return Complain(place,
                      std::string(what) + "has " + std::to_string(text.size()) +
                          " bytes; at most " + std::to_string(rule.max_bytes) +
                          " are allowed");
    }
    if (rule.type == Type::kText && !IsText(text)) {
      return Complain(place, std::string(what) + "must be valid UTF-8");
    }
    if (rule.pattern == nullptr || text.empty()) return;
    if (!RE2::FullMatch(text, *rule.pattern)) {
      Complain(place, std::string(what) + rule.complaint);
    }
  }

  void CheckNumber(double number, const ValueRule& rule, const Place& place) {
    if (!std::isfinite(number)) {
      return Complain(place, "must be a finite number");
    }
    const bool low = rule.has_gte && number < rule.gte;
    const bool high = rule.has_lte && number > rule.lte;
    if (!low && !high) return;
    if (rule.has_gte && rule.has_lte) {
      return Complain(
          place, "must be from " + Show(rule.gte) + " to " + Show(rule.lte));
    }
    Complain(place, low ? "must be at least " + Show(rule.gte)
                        : "must be at most " + Show(rule.lte));
  }

  void CheckTime(const Timestamp& time, const Place& place) {
    constexpr int64_t kFirst = -62'135'596'800;  // 0001-01-01
    constexpr int64_t kLast = 253'402'300'799;   // 9999-12-31
    const bool good = time.seconds() >= kFirst && time.seconds() <= kLast &&
                      time.nanos() >= 0 && time.nanos() < 1'000'000'000;
    if (!good) Complain(place, "must be a time of the years 1 to 9999");
  }

  void CheckDuration(const Duration& duration, const Place& place) {
    constexpr int64_t kMost = 315'576'000'000;  // 10,000 years
    const int64_t seconds = duration.seconds();
    const int32_t nanos = duration.nanos();
    const bool good = nanos > -1'000'000'000 && nanos < 1'000'000'000 &&
                      seconds >= -kMost && seconds <= kMost &&
                      !(seconds > 0 && nanos < 0) &&
                      !(seconds < 0 && nanos > 0);
    if (!good) {
      Complain(place, "must be a duration of at most 10,000 years");
    }
  }

  void CheckMask(const FieldMask& mask, const Place& place) {
    bool good = mask.paths_size() <= kMaskPathsMax;
    for (int i = 0; good && i < mask.paths_size(); ++i) {
      const std::string& path = mask.paths(i);
      good = path.size() <= kMaskPathBytesMax && IsText(path);
    }
    if (!good) {
      Complain(place, "must have at most 64 paths of at most 128 bytes");
    }
  }

  Violations& violations_;
};

}  // namespace

Violations Validate(const Message& message) {
  Violations violations;
  Walk(violations)
      .CheckMessage(message, RuleProgramOf(message.GetDescriptor()), Place{});
  return violations;
}

}  // namespace sheaf::server
