#include "inference/worker/png.h"

#include <png.h>

#include <algorithm>

namespace sheaf::worker {
namespace {

// What libpng's callbacks write to.
struct Sink {
  std::string bytes;
  std::string error;
};

void Append(png_structp png, png_bytep data, png_size_t size) {
  auto* sink = static_cast<Sink*>(png_get_io_ptr(png));
  sink->bytes.append(reinterpret_cast<const char*>(data), size);
}

void Flush(png_structp) {}

[[noreturn]] void OnError(png_structp png, png_const_charp message) {
  static_cast<Sink*>(png_get_error_ptr(png))->error = message;
  png_longjmp(png, 1);
}

// Warnings are about keywords and such, which are ours and tested.
void OnWarning(png_structp, png_const_charp) {}

bool IsAscii(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<signed char>(c) >= 0; });
}

png_text ToPngText(const PngText& text) {
  png_text out = {};
  out.compression = IsAscii(text.second) ? PNG_TEXT_COMPRESSION_NONE
                                         : PNG_ITXT_COMPRESSION_NONE;
  out.key = const_cast<png_charp>(text.first.c_str());
  out.text = const_cast<png_charp>(text.second.c_str());
  out.text_length = text.second.size();
  return out;
}

// libpng leaves by longjmp, which runs no destructors: nothing between setjmp
// and the end of this function may have one.
bool WriteAll(png_structp png, png_infop info, const Picture& picture,
              const png_text* texts, int text_count) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_IHDR(png, info, static_cast<png_uint_32>(picture.width),
               static_cast<png_uint_32>(picture.height), 8, PNG_COLOR_TYPE_RGB,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  // Pictures are sent once and read rarely: speed before size.
  png_set_compression_level(png, 1);
  png_set_text(png, info, texts, text_count);
  png_write_info(png, info);
  for (int y = 0; y < picture.height; ++y) {
    png_write_row(png, picture.rgb.data() +
                           static_cast<std::size_t>(y) * picture.width * 3);
  }
  png_write_end(png, nullptr);
  return true;
}

}  // namespace

absl::StatusOr<std::string> EncodePng(const Picture& picture,
                                      const std::vector<PngText>& texts) {
  if (picture.width < 1 || picture.height < 1 ||
      picture.rgb.size() !=
          static_cast<std::size_t>(picture.width) * picture.height * 3) {
    return absl::InvalidArgumentError(
        "a picture needs width * height * 3 bytes");
  }
  std::vector<png_text> png_texts;
  for (const PngText& text : texts) png_texts.push_back(ToPngText(text));
  Sink sink;
  png_structp png =
      png_create_write_struct(PNG_LIBPNG_VER_STRING, &sink, OnError, OnWarning);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  if (info == nullptr) {
    png_destroy_write_struct(&png, nullptr);
    return absl::ResourceExhaustedError("no memory for the PNG writer");
  }
  png_set_write_fn(png, &sink, Append, Flush);
  const bool ok = WriteAll(png, info, picture, png_texts.data(),
                           static_cast<int>(png_texts.size()));
  png_destroy_write_struct(&png, &info);
  if (!ok) return absl::InternalError("libpng: " + sink.error);
  return std::move(sink.bytes);
}

}  // namespace sheaf::worker
