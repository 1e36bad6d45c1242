#include "cli/support/field_text.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/near_word.h"
#include "base/status.h"
#include "cli/support/errors.h"
#include "cli/support/flag_values.h"
#include "cli/support/text.h"

namespace sheaf::cli {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

absl::Status Must(std::string_view name, std::string_view be,
                  std::string_view text) {
  return UsageError(absl::StrCat(ToAbsl(name), " must be ", ToAbsl(be),
                                 ", not '", ToAbsl(text), "'"));
}

template <class T>
absl::StatusOr<T> ParseInteger(std::string_view name, std::string_view text) {
  T value = 0;
  if (absl::SimpleAtoi(ToAbsl(text), &value)) return value;
  return Must(name, "a whole number", text);
}

absl::StatusOr<double> ParseReal(std::string_view name, std::string_view text) {
  double value = 0;
  if (absl::SimpleAtod(ToAbsl(text), &value) && std::isfinite(value)) {
    return value;
  }
  return Must(name, "a number", text);
}

absl::StatusOr<bool> ParseSwitch(std::string_view name, std::string_view text) {
  bool value = text == "on";
  if (value || text == "off") return value;
  if (absl::SimpleAtob(ToAbsl(text), &value)) return value;
  return Must(name, "on or off", text);
}

absl::StatusOr<int> ParseEnum(const EnumDescriptor& type, std::string_view name,
                              std::string_view text) {
  std::vector<std::string> known;
  for (int i = 0; i < type.value_count(); ++i) {
    const auto& value = *type.value(i);
    known.push_back(EnumText(value));
    const std::string_view whole = value.name();
    if (value.number() != 0 && (text == known.back() || text == whole)) {
      return value.number();
    }
  }
  known.erase(known.begin());  // the unspecified value
  return UsageError(absl::StrCat(ToAbsl(name), " must be one of ",
                                 absl::StrJoin(known, ", "), ", not '",
                                 ToAbsl(text), "'", DidYouMean(text, known)));
}

}  // namespace

std::string EnumText(const google::protobuf::EnumValueDescriptor& value) {
  if (value.number() == 0) return "";
  std::string prefix;
  for (const char c : value.type()->name()) {
    if (absl::ascii_isupper(c) && !prefix.empty()) prefix += '_';
    prefix += absl::ascii_toupper(c);
  }
  prefix += '_';
  std::string name = value.name();
  if (name.rfind(prefix, 0) == 0) name.erase(0, prefix.size());
  return absl::AsciiStrToLower(name);
}

absl::Status SetFieldText(const FieldDescriptor& field, std::string_view name,
                          std::string_view text, Message* message) {
  const auto* reflection = message->GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection->SetString(message, &field, std::string(text));
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_INT32: {
      SHEAF_ASSIGN_OR_RETURN(const auto value,
                             ParseInteger<int32_t>(name, text));
      reflection->SetInt32(message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      SHEAF_ASSIGN_OR_RETURN(const auto value,
                             ParseInteger<int64_t>(name, text));
      reflection->SetInt64(message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      SHEAF_ASSIGN_OR_RETURN(const double value, ParseReal(name, text));
      reflection->SetDouble(message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      SHEAF_ASSIGN_OR_RETURN(const bool value, ParseSwitch(name, text));
      reflection->SetBool(message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      SHEAF_ASSIGN_OR_RETURN(const int value,
                             ParseEnum(*field.enum_type(), name, text));
      reflection->SetEnumValue(message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (auto* duration = dynamic_cast<google::protobuf::Duration*>(
              reflection->MutableMessage(message, &field))) {
        SHEAF_ASSIGN_OR_RETURN(const auto value, ParseDuration(text));
        *duration = ToProto(value);
        return absl::OkStatus();
      }
      break;
    default:
      break;
  }
  return absl::InternalError(
      absl::StrCat("no text form for ", field.full_name()));
}

}  // namespace sheaf::cli
