#include "inference/engine/text/unicode.h"

#include <utf8proc.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace sheaf::engine {
namespace {

utf8proc_category_t CategoryOf(char32_t code) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code));
}

}  // namespace

void AppendUtf8(char32_t code, std::string* out) {
  utf8proc_uint8_t bytes[4];
  const auto length =
      utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
  out->append(reinterpret_cast<const char*>(bytes),
              static_cast<size_t>(length));
}

char32_t NextCodePoint(std::string_view text, size_t* at) {
  utf8proc_int32_t code = 0;
  const auto length = utf8proc_iterate(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + *at,
      static_cast<utf8proc_ssize_t>(text.size() - *at), &code);
  *at += length > 0 ? static_cast<size_t>(length) : 1;
  return static_cast<char32_t>(code);
}

bool IsLetter(char32_t code) {
  const utf8proc_category_t category = CategoryOf(code);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool IsNumber(char32_t code) {
  const utf8proc_category_t category = CategoryOf(code);
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

bool IsSpace(char32_t code) {
  if ((code >= 0x09 && code <= 0x0D) || code == 0x85) return true;
  const utf8proc_category_t category = CategoryOf(code);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

absl::StatusOr<std::string> NormalFormC(std::string_view text) {
  if (!IsValidUtf8(text)) {
    return absl::InvalidArgumentError("the text is not valid UTF-8");
  }
  utf8proc_uint8_t* mapped = nullptr;
  const auto length = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
      static_cast<utf8proc_ssize_t>(text.size()), &mapped,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (length < 0) {
    std::free(mapped);
    return absl::InvalidArgumentError(
        absl::StrCat("the text has no normal form: ", utf8proc_errmsg(length)));
  }
  std::string result(reinterpret_cast<const char*>(mapped),
                     static_cast<size_t>(length));
  std::free(mapped);
  return result;
}

std::string LowerCase(std::string_view text) {
  std::string lower;
  for (size_t at = 0; at < text.size();) {
    const char32_t code = NextCodePoint(text, &at);
    // The only code point whose lower case is two: I with a dot above.
    if (code == 0x130) {
      lower += "i\xCC\x87";
    } else {
      AppendUtf8(static_cast<char32_t>(
                     utf8proc_tolower(static_cast<utf8proc_int32_t>(code))),
                 &lower);
    }
  }
  return lower;
}

}  // namespace sheaf::engine
