#include "cli/support/output.h"

#include <algorithm>
#include <map>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/safe_text.h"
#include "cli/support/field_text.h"
#include "cli/support/flag_values.h"
#include "cli/support/text.h"
#include "google/protobuf/util/json_util.h"

namespace sheaf::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr char kBold[] = "\033[1m";
constexpr char kReset[] = "\033[0m";

std::string MessageText(const Message& message) {
  if (const auto* time =
          dynamic_cast<const google::protobuf::Timestamp*>(&message)) {
    return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", FromProto(*time),
                            absl::UTCTimeZone());
  }
  if (const auto* duration =
          dynamic_cast<const google::protobuf::Duration*>(&message)) {
    return absl::FormatDuration(FromProto(*duration));
  }
  return ToJson(message, /*pretty=*/false);
}

// One value of `field`: the whole, or element `index` of a repeated field.
std::string ValueText(const Message& message, const FieldDescriptor& field,
                      int index) {
  const auto* reflection = message.GetReflection();
  const auto get = [&](auto one, auto element) {
    return field.is_repeated() ? (reflection->*element)(message, &field, index)
                               : (reflection->*one)(message, &field);
  };
  using R = google::protobuf::Reflection;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return Printable(get(&R::GetString, &R::GetRepeatedString));
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(get(&R::GetInt32, &R::GetRepeatedInt32));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(get(&R::GetInt64, &R::GetRepeatedInt64));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return absl::StrCat(get(&R::GetDouble, &R::GetRepeatedDouble));
    case FieldDescriptor::CPPTYPE_BOOL:
      return get(&R::GetBool, &R::GetRepeatedBool) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumText(*get(&R::GetEnum, &R::GetRepeatedEnum));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Printable(MessageText(
          field.is_repeated()
              ? reflection->GetRepeatedMessage(message, &field, index)
              : reflection->GetMessage(message, &field)));
    default:
      return "";
  }
}

std::string RepeatedText(const Message& message, const FieldDescriptor& field) {
  const auto* reflection = message.GetReflection();
  std::vector<std::string> items;
  for (int i = 0; i < reflection->FieldSize(message, &field); ++i) {
    if (field.is_map()) {
      const Message& entry = reflection->GetRepeatedMessage(message, &field, i);
      items.push_back(absl::StrCat(FieldText(entry, "key"), "=",
                                   FieldText(entry, "value")));
    } else {
      items.push_back(ValueText(message, field, i));
    }
  }
  // Maps come in no order of their own.
  if (field.is_map()) std::sort(items.begin(), items.end());
  return absl::StrJoin(items, ",");
}

const FieldDescriptor* FindField(const Message& message,
                                 const std::string& name) {
  return message.GetDescriptor()->FindFieldByName(name);
}

// Follows `path` to the message that holds its last field; null where one on
// the way is absent.
const Message* Holder(const Message& message, const std::string& path,
                      std::string* last) {
  const Message* at = &message;
  const std::vector<std::string> parts = absl::StrSplit(path, '.');
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    const auto* field = FindField(*at, parts[i]);
    if (field == nullptr || !at->GetReflection()->HasField(*at, field)) {
      return nullptr;
    }
    at = &at->GetReflection()->GetMessage(*at, field);
  }
  *last = parts.back();
  return at;
}

// The Timestamp at `path`, or null.
const google::protobuf::Timestamp* TimeAt(const Message& message,
                                          const std::string& path) {
  std::string last;
  const Message* holder = Holder(message, path, &last);
  if (holder == nullptr) return nullptr;
  const auto* field = FindField(*holder, last);
  if (field == nullptr || !holder->GetReflection()->HasField(*holder, field)) {
    return nullptr;
  }
  return dynamic_cast<const google::protobuf::Timestamp*>(
      &holder->GetReflection()->GetMessage(*holder, field));
}

// `pattern` with each {path} replaced by its value; an absent count reads 0.
std::string Fill(const Message& message, const std::string& pattern) {
  std::string text;
  size_t at = 0;
  while (at < pattern.size()) {
    const size_t open = std::min(pattern.find('{', at), pattern.size());
    text += pattern.substr(at, open - at);
    if (open == pattern.size()) break;
    const size_t close = pattern.find('}', open);
    const std::string value =
        FieldText(message, pattern.substr(open + 1, close - open - 1));
    text += value.empty() ? "0" : value;
    at = close + 1;
  }
  return text;
}

void Pad(std::ostream& out, const std::string& text, int width) {
  for (int i = DisplayWidth(text); i < width; ++i) out << ' ';
}

}  // namespace

Format FormatFromText(const std::string& text) {
  static const auto* const kFormats =
      new std::map<std::string, Format>{{"table", Format::kTable},
                                        {"wide", Format::kWide},
                                        {"json", Format::kJson},
                                        {"jsonl", Format::kJsonl},
                                        {"name", Format::kName}};
  const auto found = kFormats->find(text);
  return found == kFormats->end() ? Format::kTable : found->second;
}

std::string FieldText(const Message& message, const std::string& path) {
  std::string last;
  const Message* holder = Holder(message, path, &last);
  if (holder == nullptr) return "";
  const auto* field = FindField(*holder, last);
  if (field == nullptr) return "";
  if (field->is_repeated()) return RepeatedText(*holder, *field);
  if (field->has_presence() &&
      !holder->GetReflection()->HasField(*holder, field)) {
    return "";
  }
  return ValueText(*holder, *field, 0);
}

std::string BytesText(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double size = static_cast<double>(bytes);
  int unit = 0;
  while (size >= 1024 && unit < 4) {
    size /= 1024;
    ++unit;
  }
  return unit == 0 ? absl::StrCat(bytes, " B")
                   : absl::StrFormat("%.1f %s", size, kUnits[unit]);
}

std::string AgeText(absl::Time then, absl::Time now) {
  const bool ahead = then > now;
  const absl::Duration age = ahead ? then - now : now - then;
  const int64_t seconds = absl::ToInt64Seconds(age);
  const std::string text = seconds < 120    ? absl::StrCat(seconds, "s")
                           : seconds < 7200 ? absl::StrCat(seconds / 60, "m")
                           : seconds < 172800
                               ? absl::StrCat(seconds / 3600, "h")
                               : absl::StrCat(seconds / 86400, "d");
  return ahead ? "in " + text : text;
}

std::string ToJson(const Message& message, bool pretty) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = pretty;
  std::string json;
  const auto status =
      google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? SafeJson(json) : "{}";
}

Printer::Printer(std::ostream* out, Options options)
    : out_(out), options_(options) {}

std::string Printer::Cell(const Message& message, const Column& column) const {
  if (column.value.find('{') != std::string::npos) {
    return Fill(message, column.value);
  }
  if (column.style == Column::Style::kAge) {
    const auto* time = TimeAt(message, column.value);
    return time == nullptr ? "" : AgeText(FromProto(*time), options_.now);
  }
  const std::string text = FieldText(message, column.value);
  int64_t bytes = 0;
  if (column.style == Column::Style::kBytes && absl::SimpleAtoi(text, &bytes)) {
    return BytesText(bytes);
  }
  const bool share = column.style == Column::Style::kShare;
  double number = 0;
  if ((share || column.style == Column::Style::kDecimal) &&
      absl::SimpleAtod(text, &number)) {
    return share ? absl::StrFormat("%.0f%%", number * 100)
                 : absl::StrFormat("%.2f", number);
  }
  return text;
}

std::string Printer::Painted(const std::string& text,
                             const Column& column) const {
  if (!options_.color || column.style != Column::Style::kState) return text;
  const char* color = text == "failed" || text == "lost"        ? "\033[31m"
                      : text == "succeeded" || text == "active" ? "\033[32m"
                      : text == "paused" || text == "draining"  ? "\033[33m"
                      : text == "running" || text == "busy"     ? "\033[36m"
                                                                : "";
  return *color == '\0' ? text : absl::StrCat(color, text, kReset);
}

std::vector<Column> Printer::Shown(const std::vector<Column>& columns) const {
  std::vector<Column> shown;
  for (const Column& column : columns) {
    if (!column.wide || options_.format == Format::kWide) {
      shown.push_back(column);
    }
  }
  return shown;
}

void Printer::Table(const std::vector<const Message*>& rows,
                    const std::vector<Column>& all_columns) {
  const std::vector<Column> columns = Shown(all_columns);
  std::vector<std::vector<std::string>> cells;
  std::vector<int> widths;
  for (const Column& column : columns) {
    widths.push_back(DisplayWidth(column.header));
  }
  for (const Message* row : rows) {
    std::vector<std::string>& line = cells.emplace_back();
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::string cell = Cell(*row, columns[i]);
      line.push_back(cell.empty() ? "-" : cell);
      widths[i] = std::max(widths[i], DisplayWidth(line.back()));
    }
  }
  const auto print = [&](size_t i, const std::string& plain,
                         const std::string& painted) {
    *out_ << painted;
    if (i + 1 == columns.size()) return void(*out_ << '\n');
    Pad(*out_, plain, widths[i] + 2);
  };
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string& header = columns[i].header;
    print(i, header,
          options_.color ? absl::StrCat(kBold, header, kReset) : header);
  }
  for (const auto& line : cells) {
    for (size_t i = 0; i < columns.size(); ++i) {
      print(i, line[i], Painted(line[i], columns[i]));
    }
  }
}

void Printer::One(const Message& message, const std::vector<Column>& columns) {
  switch (options_.format) {
    case Format::kJson:
    case Format::kJsonl:
      *out_ << ToJson(message, options_.format == Format::kJson);
      if (options_.format == Format::kJsonl) *out_ << '\n';
      return;
    case Format::kName:
      *out_ << FieldText(message, "name") << '\n';
      return;
    default:
      break;
  }
  int width = 0;
  for (const Column& column : columns) {
    width = std::max(width, DisplayWidth(column.header));
  }
  for (const Column& column : columns) {
    const std::string cell = Cell(message, column);
    if (cell.empty()) continue;
    *out_ << (options_.color ? absl::StrCat(kBold, column.header, kReset)
                             : column.header);
    Pad(*out_, column.header, width + 2);
    *out_ << Painted(cell, column) << '\n';
  }
}

void Printer::List(const Message& response, const std::string& field_name,
                   const std::vector<Column>& columns) {
  if (options_.format == Format::kJson) {
    *out_ << ToJson(response, /*pretty=*/true);
    return;
  }
  const auto* field = FindField(response, field_name);
  const auto* reflection = response.GetReflection();
  std::vector<const Message*> rows;
  for (int i = 0; i < reflection->FieldSize(response, field); ++i) {
    rows.push_back(&reflection->GetRepeatedMessage(response, field, i));
  }
  if (options_.format == Format::kTable || options_.format == Format::kWide) {
    return Table(rows, columns);
  }
  for (const Message* row : rows) {
    *out_ << (options_.format == Format::kJsonl ? ToJson(*row, false)
                                                : FieldText(*row, "name"))
          << '\n';
  }
}

}  // namespace sheaf::cli
