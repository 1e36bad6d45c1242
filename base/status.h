// Carrying absl::Status upwards, and the seams where Debian's Abseil (whose
// string_view is not std's) meets the standard library.
#pragma once

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sheaf {

// The same text as the other library's view. A no-op where Abseil is built on
// std::string_view.
inline absl::string_view ToAbsl(std::string_view text) {
  return absl::string_view(text.data(), text.size());
}
inline std::string_view ToStd(absl::string_view text) {
  return std::string_view(text.data(), text.size());
}

}  // namespace sheaf

#define SHEAF_CONCAT_INNER(a, b) a##b
#define SHEAF_CONCAT(a, b) SHEAF_CONCAT_INNER(a, b)

// Returns from the present function with the error, if `expr` is one.
#define SHEAF_RETURN_IF_ERROR(expr)                \
  do {                                             \
    ::absl::Status sheaf_status_ = (expr);         \
    if (!sheaf_status_.ok()) return sheaf_status_; \
  } while (false)

// SHEAF_ASSIGN_OR_RETURN(auto x, F()): x is F()'s value, or we return its
// error.
#define SHEAF_ASSIGN_OR_RETURN(lhs, expr) \
  SHEAF_ASSIGN_OR_RETURN_(SHEAF_CONCAT(sheaf_or_, __LINE__), lhs, expr)
#define SHEAF_ASSIGN_OR_RETURN_(tmp, lhs, expr)  \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return std::move(tmp).status(); \
  lhs = std::move(tmp).value()
