#include "cli/support/prompts_file.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/csv.h"
#include "base/json.h"
#include "base/safe_text.h"
#include "base/status.h"
#include "base/utf8.h"
#include "cli/support/errors.h"
#include "cli/support/text.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/wrappers.pb.h"

namespace sheaf::cli {
namespace {

// The complaints about the file so far, line by line.
class Complaints {
 public:
  explicit Complaints(std::string_view file_name)
      : file_name_(Printable(file_name)) {}

  void Add(size_t line, std::string_view text) {
    lines_.push_back(absl::StrCat(file_name_, ":", line, ": ", ToAbsl(text)));
  }
  void Add(size_t line, const absl::Status& status) {
    if (!status.ok()) Add(line, ToStd(status.message()));
  }
  size_t size() const { return lines_.size(); }
  absl::Status ToStatus() const {
    if (lines_.empty()) return absl::OkStatus();
    return UsageError(absl::StrJoin(lines_, "\n"));
  }

 private:
  std::string file_name_;
  std::vector<std::string> lines_;
};

std::string Trim(std::string_view text) {
  return std::string(ToStd(absl::StripAsciiWhitespace(ToAbsl(text))));
}

// A field of a run, as a column or a member names it.
struct Named {
  std::string field;
  bool is_list = false;  // of input pictures
};

// Lists of edits have names of their own.
Named FieldOf(const std::string& name) {
  if (name == "instruction") return {"prompt"};
  if (name == "input_image" || name == "input_images") {
    return {"init_image", /*is_list=*/true};
  }
  return {name};
}

// The pictures of a list like "a.png; b.png" or "a.png|b.png".
std::vector<std::string> PicturesOf(const std::string& list) {
  std::vector<std::string> pictures;
  for (absl::string_view part :
       absl::StrSplit(list, absl::ByAnyChar(";|"), absl::SkipWhitespace())) {
    pictures.push_back(Trim(ToStd(part)));
  }
  return pictures;
}

// The header's fields; a bad one is a complaint of the header's line.
std::vector<Named> ReadHeader(const CsvRow& row, Complaints* complaints) {
  std::vector<Named> columns;
  std::set<std::string> seen;
  for (const std::string& cell : row.cells) {
    const std::string name = Trim(cell);
    columns.push_back(FieldOf(name));
    const std::string& field = columns.back().field;
    complaints->Add(row.line, CheckRunFieldName(field));
    const bool may_repeat =
        field == "image" || field == "control" || field == "lora";
    if (!seen.insert(field).second && !may_repeat) {
      complaints->Add(row.line, absl::StrCat("column '", field, "' twice"));
    }
  }
  return columns;
}

absl::Status SetCell(const Named& column, const std::string& cell,
                     v1::RunRequest* run) {
  if (cell.empty()) return absl::OkStatus();
  if (!column.is_list) return SetRunField(column.field, cell, run);
  const std::vector<std::string> pictures = PicturesOf(cell);
  // One picture is the one to start from; several are for models that take
  // several.
  if (pictures.size() == 1) return SetRunField(column.field, pictures[0], run);
  for (const std::string& picture : pictures) {
    SHEAF_RETURN_IF_ERROR(SetRunField("image", picture, run));
  }
  return absl::OkStatus();
}

std::vector<v1::RunRequest> ReadCsv(std::string_view text,
                                    const PictureCase& find,
                                    Complaints* complaints) {
  std::vector<v1::RunRequest> runs;
  CsvReader reader(text);
  std::vector<Named> columns;
  while (!reader.AtEnd() && runs.size() <= kPromptsRunsMax) {
    std::vector<CsvFault> faults;
    const CsvRow row = reader.Next(&faults);
    for (const CsvFault& fault : faults)
      complaints->Add(fault.line, fault.text);
    if (row.cells.size() == 1 && Trim(row.cells[0]).empty()) continue;
    if (columns.empty()) {
      columns = ReadHeader(row, complaints);
      // Without a good header every row would be wrong for the same reason.
      if (complaints->size() > 0) return runs;
      continue;
    }
    if (row.cells.size() != columns.size()) {
      complaints->Add(row.line, absl::StrCat(row.cells.size(), " cells under ",
                                             columns.size(), " columns"));
      continue;
    }
    v1::RunRequest& run = runs.emplace_back();
    for (size_t i = 0; i < columns.size(); ++i) {
      complaints->Add(row.line, SetCell(columns[i], row.cells[i], &run));
    }
    complaints->Add(row.line, ForEachPicture(&run, find));
  }
  return runs;
}

// The pictures of a text, or of a list of texts, as JSON.
absl::StatusOr<std::vector<std::string>> PicturesOf(const Json& value) {
  if (value.text() != nullptr) return PicturesOf(*value.text());
  std::vector<std::string> pictures;
  if (value.array() == nullptr) return UsageError("a picture must be a text");
  for (const Json& item : *value.array()) {
    if (item.text() == nullptr) return UsageError("a picture must be a text");
    pictures.push_back(*item.text());
  }
  return pictures;
}

// The line with the fields' own names. A line that is no object stays as it is:
// its reader says what is wrong with it.
absl::StatusOr<std::string> WithFieldNames(const std::string& line) {
  const auto json = Json::Parse(line);
  if (!json.ok() || json->object() == nullptr) return line;
  std::string out;
  std::set<std::string> seen;
  JsonObject object(&out);
  for (const auto& [name, value] : *json->object()) {
    const Named named = FieldOf(name);
    if (!seen.insert(named.field).second) {
      return UsageError(absl::StrCat("'", named.field, "' twice"));
    }
    if (!named.is_list) {
      object.Name(named.field);
      AppendJson(value, &out);
      continue;
    }
    SHEAF_ASSIGN_OR_RETURN(const auto pictures, PicturesOf(value));
    if (pictures.size() == 1) {
      object.Text(named.field, pictures[0]);
      continue;
    }
    object.Name("images");
    for (size_t i = 0; i < pictures.size(); ++i) {
      out += i == 0 ? '[' : ',';
      AppendJsonString(pictures[i], &out);
    }
    out += pictures.empty() ? "[]" : "]";
  }
  object.Close();
  return out;
}

absl::StatusOr<v1::RunRequest> ReadJsonRun(const std::string& line) {
  v1::RunRequest run;
  if (line.front() == '"') {
    google::protobuf::StringValue prompt;
    const auto status =
        google::protobuf::util::JsonStringToMessage(line, &prompt);
    if (!status.ok()) return UsageError(status.message().ToString());
    run.set_prompt(prompt.value());
    return run;
  }
  SHEAF_ASSIGN_OR_RETURN(const std::string json, WithFieldNames(line));
  const auto status = google::protobuf::util::JsonStringToMessage(json, &run);
  if (!status.ok()) return UsageError(status.message().ToString());
  return run;
}

std::vector<v1::RunRequest> ReadJsonLines(std::string_view text,
                                          const PictureCase& find,
                                          Complaints* complaints) {
  std::vector<v1::RunRequest> runs;
  size_t number = 0;
  while (!text.empty() && runs.size() <= kPromptsRunsMax) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string line = Trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty()) continue;
    auto run = ReadJsonRun(line);
    if (run.ok()) {
      complaints->Add(number, ForEachPicture(&*run, find));
      runs.push_back(*std::move(run));
    } else {
      // The parser quotes the line over several of its own; one is enough.
      const std::string message(run.status().message());
      complaints->Add(number, message.substr(0, message.find('\n')));
    }
  }
  return runs;
}

void CheckUtf8(std::string_view text, Complaints* complaints) {
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (!IsValidUtf8(line)) {
      complaints->Add(number, "not UTF-8");
    } else if (line.find('\0') != std::string_view::npos) {
      complaints->Add(number, "holds a NUL character");
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

PromptsFormat GuessPromptsFormat(std::string_view file_name,
                                 std::string_view text) {
  if (absl::EndsWithIgnoreCase(ToAbsl(file_name), ".csv")) {
    return PromptsFormat::kCsv;
  }
  if (file_name != "-") return PromptsFormat::kJsonLines;
  const std::string start = Trim(text.substr(0, 4096));
  const bool json = start.empty() || start[0] == '{' ||
                    (start[0] == '"' && !absl::StrContains(start, "\","));
  return json ? PromptsFormat::kJsonLines : PromptsFormat::kCsv;
}

absl::StatusOr<std::vector<v1::RunRequest>> ParsePrompts(
    std::string_view file_name, PromptsFormat format, std::string_view text,
    const PictureCase& find) {
  const std::string name = Printable(file_name);
  if (text.size() > kPromptsBytesMax) {
    return UsageError(
        absl::StrCat(name, " is larger than ", kPromptsBytesMax >> 20, " MiB"));
  }
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  Complaints complaints(file_name);
  CheckUtf8(text, &complaints);
  SHEAF_RETURN_IF_ERROR(complaints.ToStatus());
  std::vector<v1::RunRequest> runs =
      format == PromptsFormat::kCsv ? ReadCsv(text, find, &complaints)
                                    : ReadJsonLines(text, find, &complaints);
  SHEAF_RETURN_IF_ERROR(complaints.ToStatus());
  if (runs.empty()) return UsageError(absl::StrCat(name, " holds no runs"));
  if (runs.size() > kPromptsRunsMax) {
    return UsageError(
        absl::StrCat(name, " holds more than ", kPromptsRunsMax, " runs"));
  }
  return runs;
}

}  // namespace sheaf::cli
