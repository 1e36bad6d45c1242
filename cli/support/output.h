// Data on standard output: protobuf messages as a table, as canonical JSON, or
// as names. Columns say what a table shows; the other formats use reflection.
// Not for several threads.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"

namespace sheaf::cli {

enum class Format { kTable, kWide, kJson, kJsonl, kName };

// "table", "wide", "json", "jsonl", "name"; any other text counts as "table",
// but the settings allow none.
Format FormatFromText(const std::string& text);

// One column of a table. `value` is a field path ("run_counts.queued"), or
// text with such paths in braces ("{run_counts.succeeded}/{run_count}").
struct Column {
  // kShare shows 0.254 as "25%", kDecimal 2.6667 as "2.67".
  enum class Style { kPlain, kAge, kBytes, kState, kShare, kDecimal };
  std::string header;
  std::string value;
  Style style = Style::kPlain;
  bool wide = false;  // Only with -o wide, and when one thing is shown.
};

// The value at `path` as text: an enum without its type's prefix in lower
// case, times as RFC 3339, maps as k=v, lists with commas between; empty where
// a message on the way is absent. Safe for a terminal.
std::string FieldText(const google::protobuf::Message& message,
                      const std::string& path);

// "1.5 GiB".
std::string BytesText(int64_t bytes);
// "42s", "5m", "3h", "7d", between `then` and `now`; "in 5m" if it is to come.
std::string AgeText(absl::Time then, absl::Time now);

// Canonical protobuf JSON, safe for a terminal; on one line unless `pretty`.
std::string ToJson(const google::protobuf::Message& message, bool pretty);

class Printer {
 public:
  struct Options {
    Format format = Format::kTable;
    bool color = false;
    absl::Time now;
  };
  // Borrows `out`.
  Printer(std::ostream* out, Options options);

  // One thing: a list of "header: value" lines, JSON, or its `name`.
  void One(const google::protobuf::Message& message,
           const std::vector<Column>& columns);

  // A response that lists things in its repeated message field `field`: a
  // table, the response as JSON, or one JSON object or name a line.
  void List(const google::protobuf::Message& response, const std::string& field,
            const std::vector<Column>& columns);

  Format format() const { return options_.format; }

 private:
  std::string Cell(const google::protobuf::Message& message,
                   const Column& column) const;
  std::string Painted(const std::string& text, const Column& column) const;
  std::vector<Column> Shown(const std::vector<Column>& columns) const;
  void Table(const std::vector<const google::protobuf::Message*>& rows,
             const std::vector<Column>& columns);

  std::ostream* out_;
  Options options_;
};

}  // namespace sheaf::cli
