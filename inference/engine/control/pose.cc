#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status.h"
#include "inference/engine/control/detectors.h"

namespace sheaf::engine {
namespace {

constexpr int kPoints = 18;
constexpr int kBodyPoints = 25;  // OpenPose's newer model, with a hip and feet.
constexpr size_t kPeopleMax = 64;
constexpr double kStick = 4;
constexpr double kLimbShade = 0.6;

struct Color {
  uint8_t r, g, b;
};
// OpenPose's colours: limb i and point i share the i-th.
constexpr std::array<Color, kPoints> kColors = {{{255, 0, 0},
                                                 {255, 85, 0},
                                                 {255, 170, 0},
                                                 {255, 255, 0},
                                                 {170, 255, 0},
                                                 {85, 255, 0},
                                                 {0, 255, 0},
                                                 {0, 255, 85},
                                                 {0, 255, 170},
                                                 {0, 255, 255},
                                                 {0, 170, 255},
                                                 {0, 85, 255},
                                                 {0, 0, 255},
                                                 {85, 0, 255},
                                                 {170, 0, 255},
                                                 {255, 0, 255},
                                                 {255, 0, 170},
                                                 {255, 0, 85}}};
// The points that each limb joins: 0 nose, 1 neck, then right and left arm,
// right and left leg, eyes, ears.
constexpr std::array<std::pair<int, int>, 17> kLimbs = {{{1, 2},
                                                         {1, 5},
                                                         {2, 3},
                                                         {3, 4},
                                                         {5, 6},
                                                         {6, 7},
                                                         {1, 8},
                                                         {8, 9},
                                                         {9, 10},
                                                         {1, 11},
                                                         {11, 12},
                                                         {12, 13},
                                                         {1, 0},
                                                         {0, 14},
                                                         {14, 16},
                                                         {0, 15},
                                                         {15, 17}}};

using Person = std::array<std::optional<Point>, kPoints>;

void Paint(int x, int y, const Color& color, double shade, Image* image) {
  if (x < 0 || y < 0 || x >= image->width || y >= image->height) return;
  image->at(x, y, 0) = static_cast<uint8_t>(color.r * shade);
  image->at(x, y, 1) = static_cast<uint8_t>(color.g * shade);
  image->at(x, y, 2) = static_cast<uint8_t>(color.b * shade);
}

// Calls `paint` for the pixels of the box that are inside the image.
template <typename F>
void ForBox(Point center, double reach, const Image& image, F paint) {
  const auto low = [](double v) { return std::max(0.0, std::floor(v)); };
  const int x0 = static_cast<int>(low(center.x - reach));
  const int y0 = static_cast<int>(low(center.y - reach));
  for (int y = y0; y <= center.y + reach && y < image.height; ++y) {
    for (int x = x0; x <= center.x + reach && x < image.width; ++x) {
      paint(x, y);
    }
  }
}

// An ellipse from point to point.
void DrawLimb(Point a, Point b, const Color& color, Image* image) {
  const Point center = {(a.x + b.x) / 2, (a.y + b.y) / 2};
  const double half = std::hypot(b.x - a.x, b.y - a.y) / 2;
  if (half == 0) return;
  const Point along = {(b.x - a.x) / (2 * half), (b.y - a.y) / (2 * half)};
  ForBox(center, half + kStick, *image, [&](int x, int y) {
    const double dx = x - center.x;
    const double dy = y - center.y;
    const double on = (dx * along.x + dy * along.y) / half;
    const double off = (dy * along.x - dx * along.y) / kStick;
    if (on * on + off * off <= 1) Paint(x, y, color, kLimbShade, image);
  });
}

void DrawPoint(Point at, const Color& color, Image* image) {
  ForBox(at, kStick, *image, [&](int x, int y) {
    if (std::hypot(x - at.x, y - at.y) <= kStick) {
      Paint(x, y, color, 1, image);
    }
  });
}

void DrawPerson(const Person& person, Image* image) {
  for (size_t i = 0; i < kLimbs.size(); ++i) {
    const auto& a = person[kLimbs[i].first];
    const auto& b = person[kLimbs[i].second];
    if (a && b) DrawLimb(*a, *b, kColors[i], image);
  }
  for (int i = 0; i < kPoints; ++i) {
    if (person[i]) DrawPoint(*person[i], kColors[i], image);
  }
}

// [x, y, confidence] for each point; confidence 0 is "not seen".
absl::StatusOr<Person> ReadPerson(const Json* json, double scale_x,
                                  double scale_y) {
  const Json::Array* numbers = json == nullptr ? nullptr : json->array();
  if (numbers == nullptr ||
      (numbers->size() != kPoints * 3 && numbers->size() != kBodyPoints * 3)) {
    return absl::InvalidArgumentError(
        "pose_keypoints_2d is not 18 or 25 times x, y, confidence");
  }
  const bool has_hip = numbers->size() == kBodyPoints * 3;
  Person person;
  for (int i = 0; i < kPoints; ++i) {
    const int from = has_hip && i >= 8 ? i + 1 : i;
    double values[3];
    for (int k = 0; k < 3; ++k) {
      const auto number = (*numbers)[from * 3 + k].number();
      if (!number || std::fabs(*number) > 1e6) {
        return absl::InvalidArgumentError(
            "pose_keypoints_2d holds what is no coordinate");
      }
      values[k] = *number;
    }
    if (values[2] > 0)
      person[i] = Point{values[0] * scale_x, values[1] * scale_y};
  }
  return person;
}

// The factor for coordinates: 1 unless the JSON names a canvas size.
double ScaleOf(const Json& json, const char* key, int size) {
  const Json* value = json.Find(key);
  const auto number = value == nullptr ? std::nullopt : value->number();
  return number && *number > 0 ? size / *number : 1;
}

}  // namespace

absl::StatusOr<Image> DrawPoses(std::string_view text, int width, int height) {
  SHEAF_ASSIGN_OR_RETURN(Json json, Json::Parse(text));
  // Some editors wrap one frame in a list.
  if (json.array() != nullptr && json.array()->size() == 1) {
    Json inner = (*json.array())[0];
    json = std::move(inner);
  }
  const Json* people = json.Find("people");
  if (people == nullptr || people->array() == nullptr ||
      people->array()->size() > kPeopleMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("people is not a list of at most ", kPeopleMax));
  }
  Image image = MakeImage(width, height, 3);
  for (const Json& entry : *people->array()) {
    SHEAF_ASSIGN_OR_RETURN(const Person person,
                           ReadPerson(entry.Find("pose_keypoints_2d"),
                                      ScaleOf(json, "canvas_width", width),
                                      ScaleOf(json, "canvas_height", height)));
    DrawPerson(person, &image);
  }
  return image;
}

}  // namespace sheaf::engine
