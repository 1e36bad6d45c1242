// Any text: the parser of filters neither crashes nor accepts what it cannot
// write down again; matching and SQL take whatever it accepts.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "queue/filter.h"
#include "queue/sqlite/filter_sql.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto filter = sheaf::ParseFilter(text);
  if (!filter.ok()) return 0;
  const std::string printed = sheaf::PrintFilter(*filter);
  // Printing writes defaults out, so the printed text may pass the limit where
  // the text did not.
  if (printed.size() <= sheaf::kFilterBytesMax) {
    const auto again = sheaf::ParseFilter(printed);
    SHEAF_CHECK(again.ok());
    SHEAF_CHECK(*again == *filter);
  }
  const std::map<std::string, std::string> labels = {{"team", "art"}};
  sheaf::Matches(*filter, {.id = 1, .kind = "x", .labels = &labels});
  const sheaf::FilterSql sql = sheaf::ToSql(*filter);
  size_t marks = 0;
  for (const char c : sql.condition) marks += c == '?';
  SHEAF_CHECK(marks == sql.values.size());
  return 0;
}
