// The figures that a benchmark found: rows for a reader, and the same rows as
// JSON to keep. Shared by all programs of bench/. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace sheaf::bench {

struct Row {
  std::string name;  // "submit unary, 64 in flight"
  double value = 0;
  std::string unit;  // "jobs/s", "us", "MiB"
  // The bound it is held to, in words (">= 0.35 of echo = 26000"); empty where
  // the figure is for information only.
  std::string target;
  // Whether it met the target; nothing where there is none, or where this run
  // cannot tell (--quick, a peer that is not installed).
  std::optional<bool> ok;
};

class Table {
 public:
  // Prints the row at once, so that a long run shows how far it is.
  void Add(Row row);
  // A line of text between rows: a heading, or why something was left out.
  void Say(const std::string& line);

  const std::vector<Row>& rows() const { return rows_; }
  // Rows that missed their target.
  int missed() const;

  // [{"name","value","unit","target","ok"}, ...]; target and ok may be null.
  absl::Status WriteJson(const std::string& path) const;

 private:
  std::vector<Row> rows_;
};

// A number in about four digits: 3.14, 742, 61.5k, 1.20M.
std::string Short(double value);

// ">= 123" and whether it holds; ok stays unset where `judge` is false.
Row AtLeast(Row row, double bound, const std::string& why, bool judge);
Row AtMost(Row row, double bound, const std::string& why, bool judge);

}  // namespace sheaf::bench
