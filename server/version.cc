#include "server/version.h"

#include <charconv>

namespace sheaf::server {
namespace {

// The number that `text` begins with, taken off it; -1 where there is none.
int TakeNumber(std::string_view* text) {
  int number = -1;
  const auto [end, error] =
      std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || number < 0) return -1;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return number;
}

bool TakeDot(std::string_view* text) {
  if (text->empty() || text->front() != '.') return false;
  text->remove_prefix(1);
  return true;
}

}  // namespace

bool IsOutdated(std::string_view version) {
  const int major = TakeNumber(&version);
  if (major < 0 || !TakeDot(&version)) return false;
  const int minor = TakeNumber(&version);
  if (minor < 0 || !TakeDot(&version)) return false;
  const int patch = TakeNumber(&version);
  if (patch < 0 || !version.empty()) return false;
  return major == 0 && minor < 2;
}

}  // namespace sheaf::server
