#include "cli/support/progress_bar.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <ostream>

#include "absl/strings/str_format.h"
#include "base/utf8.h"
#include "cli/support/text.h"

namespace sheaf::cli {
namespace {

constexpr int kBarWidth = 24;
constexpr int kBarWidthMin = 8;
// The brackets, the percentage and the blanks of a line, the last one for the
// cursor.
constexpr int kBesideBar = 9;
constexpr absl::Duration kRedraw = absl::Milliseconds(100);

int TerminalWidth() {
  winsize size = {};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;
  return known && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string ProgressLine(double fraction, const std::string& text, int width) {
  const double part = std::clamp(fraction, 0.0, 1.0);
  // The bar makes room for a long text.
  const int bar = std::clamp(width - DisplayWidth(text) - kBesideBar,
                             kBarWidthMin, kBarWidth);
  const int filled = static_cast<int>(part * bar);
  std::string line = absl::StrFormat(
      "[%s%s] %3d%% %s", std::string(filled, '#'),
      std::string(bar - filled, '-'), static_cast<int>(part * 100), text);
  // A line that wraps cannot be drawn over. The text is ASCII of our own, or
  // made printable; whole characters go, from the end.
  while (DisplayWidth(line) >= width && !line.empty()) {
    do {
      line.pop_back();
    } while (!line.empty() && !IsValidUtf8(line));
  }
  return line;
}

void ProgressBar::Draw(double fraction, const std::string& text,
                       absl::Time now) {
  if (terminal_ == nullptr || now - draw_time_ < kRedraw) return;
  const std::string line = ProgressLine(fraction, text, TerminalWidth());
  if (line == line_) return;
  *terminal_ << "\r\033[K" << line << std::flush;
  line_ = line;
  draw_time_ = now;
}

void ProgressBar::Clear() {
  if (terminal_ == nullptr || line_.empty()) return;
  *terminal_ << "\r\033[K" << std::flush;
  line_.clear();
  draw_time_ = absl::InfinitePast();
}

}  // namespace sheaf::cli
