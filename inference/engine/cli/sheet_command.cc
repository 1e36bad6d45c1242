#include <filesystem>

#include "base/status.h"
#include "inference/engine/cli/commands.h"
#include "inference/engine/image/png.h"
#include "inference/engine/image/sheet.h"
#include "inference/engine/weights/file.h"

namespace sheaf::engine {
namespace {

// Reads PICTURE or PICTURE=CAPTION. A word that names an existing file is a
// PICTURE as a whole, even if it holds a '='.
absl::StatusOr<SheetPicture> ReadEntry(const std::string& word) {
  const size_t equals =
      std::filesystem::exists(word) ? word.npos : word.find('=');
  const std::string path = word.substr(0, equals);
  SHEAF_ASSIGN_OR_RETURN(const std::string bytes,
                         ReadFile(path, kPictureBytesMax));
  auto file = DecodePng(bytes);
  if (!file.ok()) {
    return absl::Status(file.status().code(),
                        path + ": " + std::string(file.status().message()));
  }
  SheetPicture picture;
  picture.caption =
      equals == word.npos ? CaptionOf(file->texts) : word.substr(equals + 1);
  picture.image = std::move(file->image);
  return picture;
}

absl::Status RunSheet(Arguments* arguments) {
  const std::vector<std::string>& words = arguments->words();
  if (words.size() < 2) {
    return absl::InvalidArgumentError(
        "sheet takes a file to write and at least one picture");
  }
  SheetLook look;
  look.columns = arguments->Integer("columns", 0, 1, 1000);
  look.scale = arguments->Integer("scale", 0, 1, 64);
  SHEAF_RETURN_IF_ERROR(arguments->status());
  std::vector<SheetPicture> pictures;
  for (size_t i = 1; i < words.size(); ++i) {
    SHEAF_ASSIGN_OR_RETURN(SheetPicture picture, ReadEntry(words[i]));
    pictures.push_back(std::move(picture));
  }
  SHEAF_ASSIGN_OR_RETURN(const Image sheet, DrawSheet(pictures, look));
  SHEAF_ASSIGN_OR_RETURN(const std::string png, EncodePng(sheet, {}));
  return WriteFile(words[0], png);
}

}  // namespace

Command SheetCommand() {
  return {"sheet",
          "OUT.png PICTURE[=CAPTION]...",
          "Puts pictures on one sheet. A picture without a caption gets the "
          "settings in its file.",
          {{"columns", "N", "default: about as many as rows"},
           {"scale", "N", "factor to enlarge by; default: until captions fit"}},
          &RunSheet};
}

}  // namespace sheaf::engine
