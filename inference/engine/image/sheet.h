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
  // How many pixels, each way, one pixel of a picture becomes. 0: as many as
  // give the widest picture room for a caption.
  int scale = 0;
};

// Pictures in reading order, in columns of the widest one's width; captions are
// wrapped at spaces. INVALID_ARGUMENT where there are none or one is empty;
// RESOURCE_EXHAUSTED where the sheet would have more than 64 Mi pixels.
absl::StatusOr<Image> DrawSheet(const std::vector<SheetPicture>& pictures,
                                const SheetLook& look);

// A short caption from the texts of a picture's file: its prompt; steps,
// sampler, guidance, seed and the weights of its controls. Empty where the
// texts do not say.
std::string CaptionOf(const PngTexts& texts);

// Splits a caption into lines of at most `columns` characters, one character
// for each code point. Lines end at line breaks, at spaces, and within words
// that are too long. A caption of more than kCaptionLinesMax lines ends in
// "...".
inline constexpr int kCaptionLinesMax = 12;
std::vector<std::string> WrapCaption(std::string_view caption, int columns);

}  // namespace sheaf::engine
