#include "inference/worker/simulated/simulated_picture.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string_view>

#include "base/sha256.h"
#include "fmt/format.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "inference/engine/image/png.h"
#include "inference/worker/session/batch_weights.h"

namespace sheaf::worker {
namespace {

// The keys of `extra` that order faults of the simulation.
constexpr std::string_view kOrders = "sim.";

// Everything that decides a real picture: the request with its weights as they
// take effect. A weight of 0 is the same as none: batches spell out zeros for
// control types that only other rows have, and other rows must not change a
// picture.
v1::RunRequest EffectiveRequest(const v1::LeasedBatch& batch, int row) {
  v1::RunRequest request = batch.runs(row).request();
  const auto& row_weights = WeightsOf(batch, row);
  std::map<std::string, double> weights(row_weights.begin(), row_weights.end());
  for (v1::Control& control : *request.mutable_controls()) {
    const double own = control.has_weight() ? control.weight() : 1.0;
    control.set_weight(weights.emplace(control.type(), own).first->second);
  }
  auto* const controls = request.mutable_controls();
  controls->erase(
      std::remove_if(controls->begin(), controls->end(),
                     [](const auto& control) { return control.weight() == 0; }),
      controls->end());
  request.clear_weights();
  for (const auto& [type, weight] : weights) {
    if (weight != 0) (*request.mutable_weights())[type] = weight;
  }
  const auto extra = request.extra();
  for (const auto& [key, value] : extra) {
    if (key.starts_with(kOrders)) request.mutable_extra()->erase(key);
  }
  return request;
}

std::string Digest(const v1::RunRequest& request) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    request.SerializeToCodedStream(&out);
  }
  return Sha256Hex(bytes);
}

// The n-th of 32 bytes behind a digest's hex digits.
int DigestByte(const std::string& hex, int n) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  return digit(hex[2 * n]) * 16 + digit(hex[2 * n + 1]);
}

engine::Image MakeCanvas(const v1::RunRequest& request, int side_max) {
  const double width = request.has_width() ? request.width() : side_max;
  const double height = request.has_height() ? request.height() : side_max;
  const double scale = std::min(1.0, side_max / std::max(width, height));
  return engine::MakeImage(std::max(1, static_cast<int>(width * scale)),
                           std::max(1, static_cast<int>(height * scale)), 3);
}

// Two colours, blended along bands whose slope and width the digest picks.
void Paint(const std::string& digest, engine::Image* picture) {
  const int slope_x = DigestByte(digest, 6) % 7 + 1;
  const int slope_y = DigestByte(digest, 7) % 7 - 3;
  const int bend = DigestByte(digest, 8) % 5;
  std::uint8_t* pixel = picture->pixels.data();
  for (int y = 0; y < picture->height; ++y) {
    for (int x = 0; x < picture->width; ++x) {
      const int phase = (x * slope_x + y * slope_y + bend * x * y / 16) & 63;
      const int blend = phase < 32 ? phase * 8 : (63 - phase) * 8;
      for (int channel = 0; channel < 3; ++channel) {
        const int from = DigestByte(digest, channel);
        const int to = DigestByte(digest, channel + 3);
        *pixel++ = static_cast<std::uint8_t>(
            (from * (255 - blend) + to * blend) / 255);
      }
    }
  }
}

// "SIMULATED", three columns and a gap to a letter: who sees the picture must
// not take it for one of a model.
constexpr std::array<std::string_view, 5> kWord = {
    "### ### # # # # #    #  ### ### ##  ",
    "#    #  ### # # #   # #  #  #   # # ",
    "###  #  ### # # #   ###  #  ##  # # ",
    "  #  #  # # # # #   # #  #  #   # # ",
    "### ### # # ### ### # #  #  ### ##  ",
};

// White on a black band along the lower edge, as large as fits. A picture that
// is too small for it has the word in its texts alone.
void WriteWord(engine::Image* picture) {
  const int columns = static_cast<int>(kWord[0].size()) + 1;
  const int rows = static_cast<int>(kWord.size()) + 2;
  const int scale =
      std::min(picture->width / columns, picture->height / (2 * rows));
  if (scale == 0) return;
  const int top = picture->height - rows * scale;
  for (int y = top; y < picture->height; ++y) {
    for (int x = 0; x < columns * scale; ++x) {
      const int row = (y - top) / scale - 1;
      const int column = x / scale - 1;
      const bool inside = row >= 0 && row < rows - 2 && column >= 0;
      const bool ink = inside && kWord[row][column] == '#';
      for (int channel = 0; channel < 3; ++channel) {
        picture->at(x, y, channel) = ink ? 255 : 0;
      }
    }
  }
}

engine::Image Draw(const v1::RunRequest& request, int side_max) {
  engine::Image picture = MakeCanvas(request, side_max);
  Paint(Digest(request), &picture);
  WriteWord(&picture);
  return picture;
}

}  // namespace

PngMaker DrawSimulatedPreview(const v1::LeasedBatch& batch, int row,
                              int side_max, double part) {
  return [request = EffectiveRequest(batch, row), side_max, part] {
    engine::Image picture = Draw(request, side_max);
    for (std::uint8_t& value : picture.pixels) {
      value = static_cast<std::uint8_t>(128 + (value - 128) * part);
    }
    return engine::EncodePng(picture, {});
  };
}

absl::StatusOr<std::string> DrawSimulatedPicture(const v1::LeasedBatch& batch,
                                                 int row, int side_max) {
  const v1::RunRequest request = EffectiveRequest(batch, row);
  return engine::EncodePng(Draw(request, side_max),
                           {{"engine", "simulated"},
                            {"prompt", request.prompt()},
                            {"seed", fmt::format("{}", request.seed())}});
}

}  // namespace sheaf::worker
