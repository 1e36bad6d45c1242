// A job filter as a condition of SQL, over `jobs` aliased j. User text never
// enters the SQL: it is bound, keys of labels included.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "queue/filter.h"

namespace sheaf {

struct FilterSql {
  std::string condition;  // in parentheses where it needs them; never empty
  // For the condition's `?`s, in order.
  std::vector<std::variant<int64_t, std::string>> values;
};

// The condition holds for exactly the rows whose job Matches(filter, job), and
// is never NULL. Reads the columns id, queue, kind, owner, request_id,
// priority, create_time, run_time, end_time, labels and n_queued ...
// n_cancelled.
FilterSql ToSql(const FilterExpr& filter);

}  // namespace sheaf
