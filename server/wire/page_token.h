// Page tokens: opaque, URL-safe, and bound to the question they continue.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "queue/error.h"

namespace sheaf::server {

// A token that goes on after `last`, for the same `question` only.
std::string MakePageToken(std::string_view question, int64_t last);
// BAD_PAGE_TOKEN for a token of another question, or none of ours.
absl::StatusOr<int64_t> ReadPageToken(std::string_view question,
                                      std::string_view token);

// The same, where an empty token asks for the first page: nothing then.
absl::StatusOr<std::optional<int64_t>> PageBegin(std::string_view question,
                                                 std::string_view token);

// 50 where none is asked for, 1000 at the most.
int PageSize(int32_t asked);

}  // namespace sheaf::server
