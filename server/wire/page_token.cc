#include "server/wire/page_token.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status.h"

namespace sheaf::server {
namespace {

constexpr size_t kMarkSize = 12;
// No number of ours comes near it, and adding a page to it does not overflow.
constexpr int64_t kLastMax = int64_t{1} << 62;

std::string MarkOf(std::string_view question) {
  return Sha256Hex(question).substr(0, kMarkSize);
}

}  // namespace

std::string MakePageToken(std::string_view question, int64_t last) {
  return absl::WebSafeBase64Escape(absl::StrCat(MarkOf(question), last));
}

absl::StatusOr<int64_t> ReadPageToken(std::string_view question,
                                      std::string_view token) {
  const absl::Status bad =
      Error(Reason::kBadPageToken,
            "the page_token belongs to another list; ask again without it");
  std::string text;
  if (!absl::WebSafeBase64Unescape(ToAbsl(token), &text)) return bad;
  if (text.size() <= kMarkSize) return bad;
  if (text.substr(0, kMarkSize) != MarkOf(question)) return bad;
  int64_t last = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] =
      std::from_chars(text.data() + kMarkSize, end, last);
  if (error != std::errc() || stop != end || last < 0 || last > kLastMax) {
    return bad;
  }
  return last;
}

absl::StatusOr<std::optional<int64_t>> PageBegin(std::string_view question,
                                                 std::string_view token) {
  if (token.empty()) return std::nullopt;
  SHEAF_ASSIGN_OR_RETURN(const int64_t last, ReadPageToken(question, token));
  return last;
}

int PageSize(int32_t asked) { return asked == 0 ? 50 : std::min(asked, 1000); }

}  // namespace sheaf::server
