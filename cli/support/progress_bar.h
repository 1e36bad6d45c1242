// One line on a terminal that shows how far something is. Draws nothing where
// there is no terminal. Not for several threads.
#pragma once

#include <iosfwd>
#include <string>

#include "absl/time/time.h"

namespace sheaf::cli {

// `width` columns: "[#####-----]  50% text", cut to fit.
std::string ProgressLine(double fraction, const std::string& text, int width);

class ProgressBar {
 public:
  // Borrows `terminal`; null draws nothing.
  explicit ProgressBar(std::ostream* terminal) : terminal_(terminal) {}
  ~ProgressBar() { Clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Draws `fraction` (0 to 1) with `text` behind it; skips updates that come
  // faster than the eye.
  void Draw(double fraction, const std::string& text, absl::Time now);
  // Leaves the line empty, for other text to be printed.
  void Clear();

 private:
  std::ostream* terminal_;
  std::string line_;
  absl::Time draw_time_ = absl::InfinitePast();
};

}  // namespace sheaf::cli
