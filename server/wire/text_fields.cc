#include "server/wire/text_fields.h"

#include <cstdint>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::string_view kUnspecified = "UNSPECIFIED";

// The number of the value; 0 where there is none.
int EnumValueNamed(const google::protobuf::EnumDescriptor& type,
                   const std::string& text) {
  const std::string name = absl::AsciiStrToUpper(text);
  // The zero's name is the prefix of all, and UNSPECIFIED.
  const std::string& zero = type.FindValueByNumber(0)->name();
  const std::string prefix = zero.substr(0, zero.size() - kUnspecified.size());
  const auto* value = type.FindValueByName(name);
  if (value == nullptr) value = type.FindValueByName(prefix + name);
  return value == nullptr ? 0 : value->number();
}

std::string SetDurationText(const FieldDescriptor& field,
                            const std::string& text, Message* message) {
  using google::protobuf::Duration;
  absl::Duration duration;
  if (field.message_type() != Duration::descriptor() ||
      !absl::ParseDuration(text, &duration)) {
    return "is not a duration like 30s";
  }
  SetDuration(duration,
              static_cast<Duration*>(
                  message->GetReflection()->MutableMessage(message, &field)));
  return "";
}

}  // namespace

std::string SetText(const FieldDescriptor& field, const std::string& text,
                    Message* message) {
  const auto* reflection = message->GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection->SetString(message, &field, text);
      return "";
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double number = 0;
      if (!ReadNumber(text, &number)) return "is not a number";
      reflection->SetDouble(message, &field, number);
      return "";
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      int64_t number = 0;
      if (!ReadNumber(text, &number)) return "is not a whole number";
      reflection->SetInt64(message, &field, number);
      return "";
    }
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t number = 0;
      if (!ReadNumber(text, &number)) return "is not a whole number";
      reflection->SetInt32(message, &field, number);
      return "";
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value = false;
      if (!absl::SimpleAtob(text, &value)) return "is neither true nor false";
      reflection->SetBool(message, &field, value);
      return "";
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int value = EnumValueNamed(*field.enum_type(), text);
      if (value == 0) {
        return absl::StrCat("is no value of ", field.enum_type()->name());
      }
      reflection->SetEnumValue(message, &field, value);
      return "";
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return SetDurationText(field, text, message);
    default:
      return "is not a single value";
  }
}

}  // namespace sheaf::server
