#include "base/csv.h"

#include <algorithm>

namespace sheaf {

CsvRow CsvReader::Next(std::vector<CsvFault>* faults) {
  CsvRow row{.line = line_};
  do {
    row.cells.push_back(NextCell(faults));
  } while (Take(','));
  if (!AtEnd()) EndLine();
  return row;
}

bool CsvReader::Take(char c) {
  if (AtEnd() || text_[at_] != c) return false;
  ++at_;
  return true;
}

bool CsvReader::AtLineBreak() const {
  return text_[at_] == '\n' || text_.substr(at_, 2) == "\r\n";
}

void CsvReader::EndLine() {
  Take('\r');
  Take('\n');
  ++line_;
}

std::string_view CsvReader::Plain() {
  const size_t begin = at_;
  do {
    at_ = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    // A carriage return alone ends nothing.
    if (AtEnd() || text_[at_] == ',' || AtLineBreak()) break;
    ++at_;
  } while (true);
  return text_.substr(begin, at_ - begin);
}

std::string CsvReader::NextCell(std::vector<CsvFault>* faults) {
  if (Take('"')) return QuotedCell(faults);
  const std::string_view cell = Plain();
  if (cell.find('"') != std::string_view::npos) {
    faults->push_back({line_, "a quote inside a cell that is not quoted"});
  }
  return std::string(cell);
}

std::string CsvReader::QuotedCell(std::vector<CsvFault>* faults) {
  const size_t begin_line = line_;
  std::string cell;
  while (!AtEnd()) {
    const char c = text_[at_++];
    if (c == '"' && !Take('"')) {
      if (!Plain().empty()) {
        faults->push_back({line_, "text after the closing quote of a cell"});
      }
      return cell;
    }
    if (c == '\n') ++line_;
    cell += c;
  }
  faults->push_back({begin_line, "a quoted cell has no closing quote"});
  return cell;
}

void AppendCsvCell(std::string_view text, std::string* csv) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    *csv += text;
    return;
  }
  *csv += '"';
  for (const char c : text) {
    if (c == '"') *csv += '"';
    *csv += c;
  }
  *csv += '"';
}

}  // namespace sheaf
