// A contact sheet: pictures side by side, a caption under each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/image/image.h"
#include "inference/engine/image/png.h"

namespace sheaf::engine {

struct SheetPicture {
  Image image;
  std::string caption;
};

struct SheetLook {
  int columns = 0;  // 0: about as many as rows.
  // How many pixels a picture's pixel becomes, each way. 0: so many that the
  // widest picture leaves room for a caption.
  int scale = 0;
};

// Pictures in reading order, in columns of the widest one's width; captions are
// wrapped at spaces. INVALID_ARGUMENT where there are none or one is empty;
// RESOURCE_EXHAUSTED where the sheet would have more than 64 Mi pixels.
absl::StatusOr<Image> DrawSheet(const std::vector<SheetPicture>& pictures,
                                const SheetLook& look);

// What a picture's file says of itself, in short: its prompt; steps, sampler,
// guidance, seed and the weights of its controls. Empty where it says nothing.
std::string CaptionOf(const PngTexts& texts);

// A caption as lines of at most `columns` characters, one for each of its code
// points: at its line breaks, at spaces, and within words that are too long. A
// caption of more than kCaptionLinesMax lines ends in "...".
inline constexpr int kCaptionLinesMax = 12;
std::vector<std::string> WrapCaption(std::string_view caption, int columns);

}  // namespace sheaf::engine
