#include "inference/engine/image/jpeg.h"

#include <csetjmp>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

// Needs <cstdio> before it.
#include <jerror.h>
#include <jpeglib.h>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace sheaf::engine {
namespace {

// A file may ask for the whole picture to be drawn anew by each scan; cameras
// and programs use about ten.
constexpr int kScansMax = 100;

// libjpeg reports errors by longjmp, which runs no destructors. So the
// functions that call it hold no object with a destructor; everything they use
// lives here. The library finds it by the addresses of its first members.
struct JpegReading {
  ~JpegReading() { jpeg_destroy_decompress(&jpeg); }

  jpeg_error_mgr errors = {};
  jpeg_progress_mgr progress = {};
  jpeg_decompress_struct jpeg = {};
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX] = {};
  bool too_large = false;
  bool out_of_memory = false;
  PictureLimits limits;
  Image image;
  int orientation = 1;
};

[[noreturn]] void Fail(j_common_ptr jpeg) {
  auto* reading = reinterpret_cast<JpegReading*>(jpeg->err);
  jpeg->err->format_message(jpeg, reading->message);
  reading->out_of_memory = jpeg->err->msg_code == JERR_OUT_OF_MEMORY;
  std::longjmp(reading->jump, 1);
}

// The library fills the rest of a file that ends early with grey.
void OnMessage(j_common_ptr jpeg, int level) {
  if (level < 0 && jpeg->err->msg_code == JWRN_JPEG_EOF) Fail(jpeg);
}

void OnProgress(j_common_ptr jpeg) {
  const auto* decompress = reinterpret_cast<j_decompress_ptr>(jpeg);
  if (decompress->input_scan_number <= kScansMax) return;
  auto* reading = reinterpret_cast<JpegReading*>(jpeg->err);
  std::snprintf(reading->message, sizeof(reading->message),
                "it has more than %d scans", kScansMax);
  std::longjmp(reading->jump, 1);
}

void Begin(std::string_view bytes, JpegReading* reading) {
  reading->jpeg.err = jpeg_std_error(&reading->errors);
  reading->errors.error_exit = Fail;
  reading->errors.emit_message = OnMessage;
  jpeg_create_decompress(&reading->jpeg);
  reading->progress.progress_monitor = OnProgress;
  reading->jpeg.progress = &reading->progress;
  jpeg_save_markers(&reading->jpeg, JPEG_APP0 + 1, 0xffff);
  jpeg_mem_src(&reading->jpeg,
               reinterpret_cast<const unsigned char*>(bytes.data()),
               bytes.size());
  jpeg_read_header(&reading->jpeg, TRUE);
}

// Exif's number for how the camera was held, 1 to 8; 1 where it says nothing.
int OrientationOf(const jpeg_decompress_struct& jpeg) {
  std::string_view exif;
  for (const auto* marker = jpeg.marker_list; marker != nullptr;
       marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data),
                                marker->data_length);
    if (data.starts_with(std::string_view("Exif\0\0", 6))) {
      exif = data.substr(6);
      break;
    }
  }
  const bool is_little = exif.starts_with("II");
  const auto number = [&](size_t at, size_t bytes) -> std::optional<size_t> {
    if (at > exif.size() || exif.size() - at < bytes) return std::nullopt;
    size_t value = 0;
    for (size_t i = 0; i < bytes; ++i) {
      const size_t from = is_little ? bytes - 1 - i : i;
      value = value << 8 | static_cast<uint8_t>(exif[at + from]);
    }
    return value;
  };
  const auto table = number(4, 4);
  if (!table) return 1;
  const auto count = number(*table, 2);
  for (size_t i = 0; count && i < *count; ++i) {
    const size_t entry = *table + 2 + 12 * i;
    const auto tag = number(entry, 2);
    if (!tag) return 1;
    if (*tag != 0x0112) continue;
    const auto value = number(entry + 8, 2);
    return value && *value >= 1 && *value <= 8 ? static_cast<int>(*value) : 1;
  }
  return 1;
}

// Inks in the way of Adobe, who counts them from white.
void FromInks(const uint8_t* inks, int width, uint8_t* pixels) {
  for (int x = 0; x < width; ++x, inks += 4, pixels += 3) {
    for (int i = 0; i < 3; ++i) {
      pixels[i] = static_cast<uint8_t>(inks[i] * inks[3] / 255);
    }
  }
}

// Whether that went well.
bool ReadSize(std::string_view bytes, JpegReading* reading) {
  if (setjmp(reading->jump) != 0) return false;
  Begin(bytes, reading);
  return true;
}

// Not inlined: a jump back would forget its variables.
[[gnu::noinline]] void Draw(std::string_view bytes, JpegReading* reading) {
  Begin(bytes, reading);
  jpeg_decompress_struct* jpeg = &reading->jpeg;
  if (!reading->limits.Allow({jpeg->image_width, jpeg->image_height})) {
    reading->too_large = true;
    return;
  }
  const bool is_inks =
      jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
  jpeg->out_color_space = is_inks ? JCS_CMYK : JCS_RGB;
  reading->orientation = OrientationOf(*jpeg);
  jpeg_start_decompress(jpeg);
  reading->image = MakeImage(static_cast<int>(jpeg->output_width),
                             static_cast<int>(jpeg->output_height), 3);
  JSAMPARRAY inks = nullptr;
  if (is_inks) {
    inks = jpeg->mem->alloc_sarray(reinterpret_cast<j_common_ptr>(jpeg),
                                   JPOOL_IMAGE, jpeg->output_width * 4, 1);
  }
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t* row = reading->image.pixels.data() +
                   size_t{jpeg->output_scanline} * jpeg->output_width * 3;
    jpeg_read_scanlines(jpeg, is_inks ? inks : &row, 1);
    if (is_inks) FromInks(inks[0], reading->image.width, row);
  }
  jpeg_finish_decompress(jpeg);
}

bool ReadPixels(std::string_view bytes, JpegReading* reading) {
  if (setjmp(reading->jump) != 0) return false;
  Draw(bytes, reading);
  return !reading->too_large;
}

absl::Status ErrorOf(const JpegReading& reading) {
  if (reading.too_large) {
    return absl::ResourceExhaustedError(
        "JPEG: the picture is larger than allowed");
  }
  const std::string message = absl::StrCat("JPEG: ", reading.message);
  return reading.out_of_memory ? absl::ResourceExhaustedError(message)
                               : absl::InvalidArgumentError(message);
}

// The picture as the camera saw it.
Image Turned(Image image, int orientation) {
  if (orientation == 1) return image;
  const bool swaps = orientation >= 5;
  const int width = swaps ? image.height : image.width;
  const int height = swaps ? image.width : image.height;
  Image turned = MakeImage(width, height, 3);
  const bool from_right = orientation == 2 || orientation == 3 ||
                          orientation == 7 || orientation == 8;
  const bool from_below = orientation == 3 || orientation == 4 ||
                          orientation == 6 || orientation == 7;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int along = swaps ? y : x;
      const int down = swaps ? x : y;
      const int from_x = from_right ? image.width - 1 - along : along;
      const int from_y = from_below ? image.height - 1 - down : down;
      for (int channel = 0; channel < 3; ++channel) {
        turned.at(x, y, channel) = image.at(from_x, from_y, channel);
      }
    }
  }
  return turned;
}

}  // namespace

absl::StatusOr<PictureSize> ReadJpegSize(std::string_view bytes) {
  JpegReading reading;
  if (!ReadSize(bytes, &reading)) return ErrorOf(reading);
  return PictureSize{reading.jpeg.image_width, reading.jpeg.image_height};
}

absl::StatusOr<Image> DecodeJpeg(std::string_view bytes,
                                 const PictureLimits& limits) {
  JpegReading reading;
  reading.limits = limits;
  if (!ReadPixels(bytes, &reading)) return ErrorOf(reading);
  return Turned(std::move(reading.image), reading.orientation);
}

}  // namespace sheaf::engine
