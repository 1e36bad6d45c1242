#include "inference/engine/image/png.h"

#include <png.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/utf8.h"

namespace sheaf::engine {
namespace {

// libpng reports errors by longjmp, which runs no destructors. So the functions
// that call it hold no object with a destructor; everything they use lives
// here.
struct Reading {
  std::string_view rest;
  std::string error;
  bool too_large = false;
  PngLimits limits;
  std::vector<uint8_t> pixels;
  std::vector<png_bytep> rows;
  int width = 0;
  int height = 0;
  int channels = 0;
  bool is_deep = false;
};

struct Writing {
  std::string bytes;
  std::string error;
};

[[noreturn]] void OnReadError(png_structp png, png_const_charp message) {
  static_cast<Reading*>(png_get_error_ptr(png))->error = message;
  png_longjmp(png, 1);
}

[[noreturn]] void OnWriteError(png_structp png, png_const_charp message) {
  static_cast<Writing*>(png_get_error_ptr(png))->error = message;
  png_longjmp(png, 1);
}

void OnWarning(png_structp, png_const_charp) {}

void Take(png_structp png, png_bytep to, png_size_t count) {
  auto* reading = static_cast<Reading*>(png_get_io_ptr(png));
  if (count > reading->rest.size()) png_error(png, "the file ends early");
  std::memcpy(to, reading->rest.data(), count);
  reading->rest.remove_prefix(count);
}

void Append(png_structp png, png_bytep from, png_size_t count) {
  static_cast<Writing*>(png_get_io_ptr(png))
      ->bytes.append(reinterpret_cast<const char*>(from), count);
}

void Flush(png_structp) {}

// Asks for eight bits grey, RGB or RGBA; sixteen where the file is deep grey.
void SetTransforms(png_structp png, png_infop info, Reading* reading) {
  const int type = png_get_color_type(png, info);
  const int depth = png_get_bit_depth(png, info);
  reading->is_deep = type == PNG_COLOR_TYPE_GRAY && depth == 16;
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (type == PNG_COLOR_TYPE_GRAY && depth < 8) {
    png_set_expand_gray_1_2_4_to_8(png);
  }
  if (png_get_valid(png, info, PNG_INFO_tRNS)) png_set_tRNS_to_alpha(png);
  if (depth == 16 && !reading->is_deep) png_set_scale_16(png);
  if (type == PNG_COLOR_TYPE_GRAY_ALPHA) png_set_gray_to_rgb(png);
  if (reading->is_deep) png_set_strip_alpha(png);
  if (png_get_valid(png, info, PNG_INFO_tRNS) && !reading->is_deep &&
      type == PNG_COLOR_TYPE_GRAY) {
    png_set_gray_to_rgb(png);
  }
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
}

bool ReadHeader(png_structp png, png_infop info, Reading* reading) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_user_limits(png, 1 << 20, 1 << 20);
  png_set_chunk_cache_max(png, 32);
  png_set_chunk_malloc_max(png, reading->limits.chunk_bytes_max);
  if (!reading->limits.texts) {
    static constexpr png_byte kPassedOver[] =
        "tEXt\0zTXt\0iTXt\0iCCP\0sPLT\0eXIf";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, kPassedOver, 6);
  }
  png_read_info(png, info);
  const int64_t width = png_get_image_width(png, info);
  const int64_t height = png_get_image_height(png, info);
  if (!reading->limits.picture.Allow({width, height})) {
    reading->too_large = true;
    return false;
  }
  SetTransforms(png, info, reading);
  reading->width = static_cast<int>(width);
  reading->height = static_cast<int>(height);
  reading->channels = png_get_channels(png, info);
  return true;
}

bool ReadPixels(png_structp png, png_infop info, Reading* reading) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_read_image(png, reading->rows.data());
  png_read_end(png, info);
  return true;
}

// tEXt is Latin-1; our writer and Python's put UTF-8 into other chunks.
std::string FromLatin1(std::string_view text) {
  std::string utf8;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      utf8 += c;
    } else {
      utf8 += static_cast<char>(0xC0 | byte >> 6);
      utf8 += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return utf8;
}

PngTexts TextsOf(png_structp png, png_infop info) {
  png_textp texts = nullptr;
  int count = 0;
  png_get_text(png, info, &texts, &count);
  PngTexts result;
  for (int i = 0; i < count; ++i) {
    const bool is_itxt = texts[i].compression >= PNG_ITXT_COMPRESSION_NONE;
    const size_t length = is_itxt ? texts[i].itxt_length : texts[i].text_length;
    const std::string_view text(texts[i].text == nullptr ? "" : texts[i].text,
                                texts[i].text == nullptr ? 0 : length);
    if (!is_itxt) {
      result.emplace_back(texts[i].key, FromLatin1(text));
    } else if (IsValidUtf8(text)) {
      result.emplace_back(texts[i].key, text);
    }
  }
  return result;
}

// Reads the header, then the pixels. False where libpng gave up or the picture
// is over the limits.
bool ReadAll(png_structp png, png_infop info, Reading* reading) {
  if (!ReadHeader(png, info, reading)) return false;
  const size_t row = png_get_rowbytes(png, info);
  reading->pixels.resize(row * reading->height);
  for (int y = 0; y < reading->height; ++y) {
    reading->rows.push_back(reading->pixels.data() + row * y);
  }
  return ReadPixels(png, info, reading);
}

PngFile Finish(Reading reading, PngTexts texts) {
  PngFile file;
  file.texts = std::move(texts);
  if (!reading.is_deep) {
    file.image = {reading.width, reading.height, reading.channels,
                  std::move(reading.pixels)};
    return file;
  }
  file.deep = MakePlane(reading.width, reading.height);
  file.image = MakeImage(reading.width, reading.height, 1);
  for (size_t i = 0; i < file.deep.values.size(); ++i) {
    const int value = reading.pixels[2 * i] << 8 | reading.pixels[2 * i + 1];
    file.deep.values[i] = static_cast<float>(value);
    file.image.pixels[i] = reading.pixels[2 * i];
  }
  return file;
}

// Latin-1 bytes of UTF-8 text, or false where a character has none.
bool ToLatin1(std::string_view utf8, std::string* latin) {
  for (size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    if (byte < 0x80) {
      *latin += utf8[i];
    } else if (byte == 0xC2 || byte == 0xC3) {
      const auto next = static_cast<unsigned char>(utf8[++i]);
      *latin += static_cast<char>((byte & 3) << 6 | (next & 0x3F));
    } else {
      return false;
    }
  }
  return true;
}

// The texts as libpng wants them; `latin` keeps the strings that they point to.
std::vector<png_text> PngTextsOf(const PngTexts& texts,
                                 std::vector<std::string>* latin) {
  std::vector<png_text> result;
  latin->reserve(texts.size());
  for (const auto& [key, text] : texts) {
    latin->emplace_back();
    const bool fits = ToLatin1(text, &latin->back());
    const std::string& bytes = fits ? latin->back() : text;
    png_text entry = {};
    entry.compression =
        fits ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
    entry.key = const_cast<png_charp>(key.c_str());
    entry.text = const_cast<png_charp>(bytes.c_str());
    if (fits) {
      entry.text_length = bytes.size();
    } else {
      entry.itxt_length = bytes.size();
    }
    result.push_back(entry);
  }
  return result;
}

bool WriteAll(png_structp png, png_infop info, const Image& image,
              const std::vector<png_text>& texts) {
  if (setjmp(png_jmpbuf(png))) return false;
  const int type = image.channels == 1   ? PNG_COLOR_TYPE_GRAY
                   : image.channels == 3 ? PNG_COLOR_TYPE_RGB
                                         : PNG_COLOR_TYPE_RGB_ALPHA;
  png_set_IHDR(png, info, static_cast<png_uint_32>(image.width),
               static_cast<png_uint_32>(image.height), 8, type,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(png, 4);
  png_set_text(png, info, texts.data(), static_cast<int>(texts.size()));
  png_write_info(png, info);
  const size_t row = static_cast<size_t>(image.width) * image.channels;
  for (int y = 0; y < image.height; ++y) {
    png_write_row(png, image.pixels.data() + row * y);
  }
  png_write_end(png, nullptr);
  return true;
}

absl::Status CheckWritable(const Image& image, const PngTexts& texts) {
  const size_t size = static_cast<size_t>(std::max(image.width, 0)) *
                      std::max(image.height, 0) * image.channels;
  if (size == 0 || image.pixels.size() != size ||
      (image.channels != 1 && image.channels != 3 && image.channels != 4)) {
    return absl::InvalidArgumentError(
        "an image needs width * height * channels bytes");
  }
  for (const auto& [key, text] : texts) {
    const bool prints = std::all_of(
        key.begin(), key.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (key.empty() || key.size() > 79 || !prints || key.front() == ' ' ||
        key.back() == ' ') {
      return absl::InvalidArgumentError(
          "a PNG keyword has 1 to 79 printable ASCII characters");
    }
    if (!IsValidUtf8(text) || text.find('\0') != std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("the PNG text ", key, " is not plain UTF-8"));
    }
  }
  return absl::OkStatus();
}

constexpr std::string_view kSignature("\x89PNG\r\n\x1a\n");

uint32_t BigEndian(std::string_view bytes, size_t at) {
  uint32_t number = 0;
  for (size_t i = 0; i < 4; ++i) {
    number = number << 8 | static_cast<uint8_t>(bytes[at + i]);
  }
  return number;
}

// libpng allocates as much as a chunk says it holds, up to 2 GiB, before it
// checks that the bytes are there: a file of 100 bytes could ask for all
// memory.
absl::Status CheckChunks(std::string_view bytes) {
  constexpr size_t kAround = 12;  // length, type, sum
  size_t at = kSignature.size();
  while (at + kAround <= bytes.size()) {
    const uint32_t length = BigEndian(bytes, at);
    if (length > bytes.size() - at - kAround) {
      return absl::InvalidArgumentError(
          absl::StrCat("PNG: a chunk of ", length,
                       " bytes goes beyond the end of the file"));
    }
    at += kAround + length;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PictureSize> ReadPngSize(std::string_view bytes) {
  constexpr size_t kType = 12;  // after the signature and a length
  constexpr size_t kWidth = 16;
  constexpr size_t kHeight = 20;
  if (bytes.size() < kHeight + 4 || !bytes.starts_with(kSignature) ||
      bytes.substr(kType, 4) != "IHDR") {
    return absl::InvalidArgumentError("PNG: it does not begin like one");
  }
  // PNG allows 2^31 - 1 a side: the product fits.
  const PictureSize size{BigEndian(bytes, kWidth), BigEndian(bytes, kHeight)};
  if (std::max(size.width, size.height) > 0x7fffffff) {
    return absl::InvalidArgumentError("PNG: no such size");
  }
  return size;
}

absl::StatusOr<PngFile> DecodePng(std::string_view bytes,
                                  const PngLimits& limits) {
  SHEAF_RETURN_IF_ERROR(CheckChunks(bytes));
  Reading reading;
  reading.rest = bytes;
  reading.limits = limits;
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reading,
                                           OnReadError, OnWarning);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  if (info == nullptr) {
    png_destroy_read_struct(&png, nullptr, nullptr);
    return absl::ResourceExhaustedError("no memory for the PNG reader");
  }
  png_set_read_fn(png, &reading, Take);
  const bool ok = ReadAll(png, info, &reading);
  PngTexts texts = ok ? TextsOf(png, info) : PngTexts();
  png_destroy_read_struct(&png, &info, nullptr);
  if (reading.too_large) {
    return absl::ResourceExhaustedError("the PNG picture is too large");
  }
  if (!ok) return absl::InvalidArgumentError("PNG: " + reading.error);
  return Finish(std::move(reading), std::move(texts));
}

absl::StatusOr<std::string> EncodePng(const Image& image,
                                      const PngTexts& texts) {
  SHEAF_RETURN_IF_ERROR(CheckWritable(image, texts));
  std::vector<std::string> latin;
  const std::vector<png_text> entries = PngTextsOf(texts, &latin);
  Writing writing;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &writing,
                                            OnWriteError, OnWarning);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  if (info == nullptr) {
    png_destroy_write_struct(&png, nullptr);
    return absl::ResourceExhaustedError("no memory for the PNG writer");
  }
  png_set_write_fn(png, &writing, Append, Flush);
  const bool ok = WriteAll(png, info, image, entries);
  png_destroy_write_struct(&png, &info);
  if (!ok) return absl::InternalError("libpng: " + writing.error);
  return std::move(writing.bytes);
}

}  // namespace sheaf::engine
