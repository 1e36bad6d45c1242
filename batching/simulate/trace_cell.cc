#include "batching/simulate/trace_cell.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "base/safe_text.h"
#include "base/utf8.h"

namespace sheaf::batching {
namespace {

constexpr char kGuard = '\'';
constexpr size_t kEscapeBytes = 4;  // \xNN

// Full-width signs are three bytes each.
bool BeginsLikeAFormula(std::string_view text) {
  if (text.empty()) return false;
  const uint32_t code = FirstCharacter(text).code;
  constexpr uint32_t kFullWidth = 0xfee0;  // between '=' and its wide form
  const auto is = [code](char sign) {
    const auto narrow = static_cast<uint32_t>(sign);
    return code == narrow || code == narrow + kFullWidth;
  };
  return is('=') || is('+') || is('-') || is('@');
}

bool IsGuarded(std::string_view rest) {
  return BeginsLikeAFormula(rest) || rest.substr(0, 1) == "'";
}

// The byte that an escape at the start of `cell` stands for; -1 where there is
// none.
int EscapedByte(std::string_view cell) {
  if (cell.size() < kEscapeBytes || cell.substr(0, 2) != "\\x") return -1;
  uint8_t byte = 0;
  const char* end = cell.data() + kEscapeBytes;
  const auto read = std::from_chars(cell.data() + 2, end, byte, 16);
  return read.ec == std::errc() && read.ptr == end ? byte : -1;
}

}  // namespace

std::string CellOfText(std::string_view text) {
  std::string cell;
  if (IsGuarded(text)) cell += kGuard;
  while (!text.empty()) {
    const Utf8Character next = FirstCharacter(text);
    const size_t size = std::max(next.size, 1);
    const std::string_view rest = text.substr(size);
    const bool splits = text[0] == ';' &&
                        (BeginsLikeAFormula(rest) || rest.substr(0, 1) == "\"");
    const bool shown = next.size > 0 && !IsUnsafeCharacter(next.code) &&
                       !splits && EscapedByte(text) < 0;
    if (shown) {
      cell += text.substr(0, size);
    } else {
      for (const char c : text.substr(0, size)) {
        absl::StrAppend(
            &cell, "\\x",
            absl::Hex(static_cast<uint8_t>(c), absl::PadSpec::kZeroPad2));
      }
    }
    text = rest;
  }
  return cell;
}

std::string TextOfCell(std::string_view cell) {
  if (cell.substr(0, 1) == "'" && IsGuarded(cell.substr(1))) {
    cell.remove_prefix(1);
  }
  std::string text;
  while (!cell.empty()) {
    const int byte = EscapedByte(cell);
    text += byte >= 0 ? static_cast<char>(byte) : cell[0];
    cell.remove_prefix(byte >= 0 ? kEscapeBytes : 1);
  }
  return text;
}

}  // namespace sheaf::batching
