#include "tests/worker/png_reader.h"

#include <png.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace sheaf::worker {
namespace {

void ReadBytes(png_structp png, png_bytep data, png_size_t size) {
  auto* rest = static_cast<std::string_view*>(png_get_io_ptr(png));
  if (rest->size() < size) png_error(png, "the file ends too early");
  std::memcpy(data, rest->data(), size);
  rest->remove_prefix(size);
}

// Free of destructors, for libpng's longjmp.
bool ReadAll(png_structp png, png_infop info, std::string_view* rest) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_read_fn(png, rest, ReadBytes);
  png_read_png(png, info, PNG_TRANSFORM_IDENTITY, nullptr);
  return true;
}

}  // namespace

DecodedPng DecodePng(const std::string& bytes) {
  DecodedPng decoded;
  std::string_view rest = bytes;
  png_structp png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  decoded.ok = ReadAll(png, info, &rest) && rest.empty() &&
               png_get_color_type(png, info) == PNG_COLOR_TYPE_RGB;
  if (decoded.ok) {
    decoded.picture.width = static_cast<int>(png_get_image_width(png, info));
    decoded.picture.height = static_cast<int>(png_get_image_height(png, info));
    png_bytepp rows = png_get_rows(png, info);
    for (int y = 0; y < decoded.picture.height; ++y) {
      decoded.picture.rgb.insert(decoded.picture.rgb.end(), rows[y],
                                 rows[y] + decoded.picture.width * 3);
    }
    png_textp texts = nullptr;
    const int count = png_get_text(png, info, &texts, nullptr);
    for (int i = 0; i < count; ++i) {
      decoded.texts[texts[i].key] = texts[i].text;
    }
  }
  png_destroy_read_struct(&png, &info, nullptr);
  return decoded;
}

}  // namespace sheaf::worker
