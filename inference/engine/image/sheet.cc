#include "inference/engine/image/sheet.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/json.h"
#include "inference/engine/image/font.h"
#include "inference/engine/image/metadata.h"

namespace sheaf::engine {
namespace {

constexpr int64_t kPixelsMax = int64_t{64} << 20;
// A line of 21 characters fits under a picture that is this many pixels wide.
constexpr int kCaptionWidth = 128;
constexpr int kMargin = 8;  // Around every picture and its caption.
constexpr int kAdvance = kGlyphWidth + 1;
constexpr int kLineHeight = kGlyphHeight + 2;
constexpr uint8_t kPaper = 250;
constexpr uint8_t kInk = 40;

// One byte for each code point; '?' where the font has no glyph.
std::string Typeable(std::string_view text) {
  std::string typeable;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) == 0x80) continue;  // Continues a code point.
    const bool is_plain = c == '\n' || (c >= ' ' && c <= '~');
    typeable += is_plain ? c : '?';
  }
  return typeable;
}

// One paragraph, which holds no line break.
void WrapParagraph(std::string_view text, size_t columns,
                   std::vector<std::string>* lines) {
  std::string line;
  for (const absl::string_view part :
       absl::StrSplit(absl::string_view(text.data(), text.size()), ' ')) {
    std::string word(part);
    if (!line.empty() && line.size() + 1 + word.size() > columns) {
      lines->push_back(std::move(line));
      line.clear();
    }
    for (; word.size() > columns; word.erase(0, columns)) {
      lines->push_back(word.substr(0, columns));
    }
    if (!line.empty() && !word.empty()) line += ' ';
    line += word;
  }
  lines->push_back(std::move(line));
}

// Draws each pixel as `scale` x `scale` pixels, with the picture's upper left
// corner at (left, top).
void Paste(const Image& picture, int scale, int left, int top, Image* sheet) {
  for (int y = 0; y < picture.height * scale; ++y) {
    for (int x = 0; x < picture.width * scale; ++x) {
      for (int channel = 0; channel < 3; ++channel) {
        sheet->at(left + x, top + y, channel) =
            picture.at(x / scale, y / scale, channel);
      }
    }
  }
}

void Type(const std::string& line, int left, int top, Image* sheet) {
  for (size_t i = 0; i < line.size(); ++i) {
    const auto rows = GlyphRows(line[i]);
    for (int y = 0; y < kGlyphHeight; ++y) {
      for (int x = 0; x < kGlyphWidth; ++x) {
        if ((rows[y] >> (kGlyphWidth - 1 - x) & 1) == 0) continue;
        for (int channel = 0; channel < 3; ++channel) {
          sheet->at(left + static_cast<int>(i) * kAdvance + x, top + y,
                    channel) = kInk;
        }
      }
    }
  }
}

// Where everything goes.
struct Layout {
  int columns = 1;
  int scale = 1;
  int cell_width = 0;             // A picture's, without margins.
  std::vector<int> picture_rows;  // Heights of the rows' pictures,
  std::vector<int> caption_rows;  // and of their captions, in pixels.
  std::vector<std::vector<std::string>> captions;  // In lines.

  int64_t width() const {
    return int64_t{columns} * (cell_width + kMargin) + kMargin;
  }
  int64_t height() const {
    int64_t height = kMargin;
    for (size_t row = 0; row < picture_rows.size(); ++row) {
      height += row_height(row);
    }
    return height;
  }
  int64_t row_height(size_t row) const {
    return int64_t{picture_rows[row]} + caption_rows[row] + kMargin;
  }
};

Layout LayOut(const std::vector<SheetPicture>& pictures,
              const SheetLook& look) {
  Layout layout;
  const int count = static_cast<int>(pictures.size());
  layout.columns = look.columns > 0
                       ? look.columns
                       : static_cast<int>(std::ceil(std::sqrt(count)));
  layout.columns = std::min(layout.columns, count);
  int widest = 1;
  for (const SheetPicture& one : pictures) {
    widest = std::max(widest, one.image.width);
  }
  layout.scale = look.scale > 0 ? look.scale
                                : std::max(1, (kCaptionWidth - 1) / widest + 1);
  layout.cell_width = widest * layout.scale;
  for (int i = 0; i < count; ++i) {
    if (i % layout.columns == 0) {
      layout.picture_rows.push_back(0);
      layout.caption_rows.push_back(0);
    }
    layout.captions.push_back(
        WrapCaption(pictures[i].caption, layout.cell_width / kAdvance));
    int& picture = layout.picture_rows.back();
    int& caption = layout.caption_rows.back();
    picture = std::max(picture, pictures[i].image.height * layout.scale);
    const int lines = static_cast<int>(layout.captions.back().size());
    caption = std::max(caption, lines * kLineHeight + kMargin / 2);
  }
  return layout;
}

absl::Status Check(const std::vector<SheetPicture>& pictures) {
  if (pictures.empty()) {
    return absl::InvalidArgumentError("a sheet needs a picture");
  }
  for (const SheetPicture& one : pictures) {
    if (one.image.width < 1 || one.image.height < 1) {
      return absl::InvalidArgumentError("a picture on the sheet is empty");
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> WrapCaption(std::string_view caption, int columns) {
  std::vector<std::string> lines;
  if (caption.empty()) return lines;
  const auto width = static_cast<size_t>(std::max(columns, 1));
  const std::string typeable = Typeable(caption);
  for (const absl::string_view paragraph : absl::StrSplit(typeable, '\n')) {
    WrapParagraph({paragraph.data(), paragraph.size()}, width, &lines);
  }
  if (lines.size() > kCaptionLinesMax) {
    lines.resize(kCaptionLinesMax);
    std::string& last = lines.back();
    const std::string dots(std::min<size_t>(3, width), '.');
    last.resize(std::min(last.size(), width - dots.size()));
    last += dots;
  }
  return lines;
}

absl::StatusOr<Image> DrawSheet(const std::vector<SheetPicture>& pictures,
                                const SheetLook& look) {
  if (absl::Status status = Check(pictures); !status.ok()) return status;
  const Layout layout = LayOut(pictures, look);
  if (layout.width() * layout.height() > kPixelsMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the sheet would have ", layout.width(), "x",
                     layout.height(), " pixels"));
  }
  Image sheet = MakeImage(static_cast<int>(layout.width()),
                          static_cast<int>(layout.height()), 3, kPaper);
  int top = kMargin;
  for (size_t i = 0; i < pictures.size(); ++i) {
    const size_t row = i / layout.columns;
    const int column = static_cast<int>(i % layout.columns);
    if (i > 0 && column == 0) {
      top += static_cast<int>(layout.row_height(row - 1));
    }
    const int left = kMargin + column * (layout.cell_width + kMargin);
    Paste(ToRgb(pictures[i].image), layout.scale, left, top, &sheet);
    int line_top = top + layout.picture_rows[row] + kMargin / 2;
    for (const std::string& line : layout.captions[i]) {
      Type(line, left, line_top, &sheet);
      line_top += kLineHeight;
    }
  }
  return sheet;
}

std::string CaptionOf(const PngTexts& texts) {
  for (const auto& [key, text] : texts) {
    if (key != "parameters") continue;
    const auto made = ParseParameters(text);
    if (!made.ok()) return "";
    std::string guidance;
    AppendJsonNumber(made->guidance, &guidance);
    std::string caption =
        absl::StrCat(made->prompt, "\n", made->steps, " steps, ", made->sampler,
                     ", guidance ", guidance, ", seed ", made->seed);
    const auto controls = made->more.find("Controls");
    if (controls != made->more.end()) {
      absl::StrAppend(&caption, ", ", controls->second);
    }
    return caption;
  }
  return "";
}

}  // namespace sheaf::engine
