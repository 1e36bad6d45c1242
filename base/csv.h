// CSV (RFC 4180): cells between commas, rows between line ends, and quotes
// around a cell that holds one of these. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sheaf {

struct CsvRow {
  size_t line = 0;  // on which it begins, from 1
  std::vector<std::string> cells;
};

struct CsvFault {
  size_t line = 0;
  std::string_view text;  // of static storage: "a quoted cell has no ..."
};

// Takes rows off a text, which it borrows, one at a time.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text) {}

  bool AtEnd() const { return at_ >= text_.size(); }

  // The next row, as good as it can be read: stray quotes are added to
  // `faults`. An empty line is a row of one empty cell.
  CsvRow Next(std::vector<CsvFault>* faults);

 private:
  bool Take(char c);
  bool AtLineBreak() const;
  void EndLine();
  // The text up to the end of the cell.
  std::string_view Plain();
  std::string NextCell(std::vector<CsvFault>* faults);
  std::string QuotedCell(std::vector<CsvFault>* faults);

  std::string_view text_;
  size_t at_ = 0;
  size_t line_ = 1;
};

// Appends one cell, in quotes where it needs them.
void AppendCsvCell(std::string_view text, std::string* csv);

}  // namespace sheaf
