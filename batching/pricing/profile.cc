#include "batching/pricing/profile.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/json.h"
#include "base/status.h"

namespace sheaf::batching {
namespace {

// Anybody may send a profile, and it is kept. These limits are above the number
// of points and controls that anybody measures.
constexpr size_t kPointsMax = 128;
constexpr size_t kControlsMax = 64;
constexpr size_t kControlNameMax = 256;

absl::Status Bad(std::string_view what, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("profile: ", ToAbsl(what), " ", ToAbsl(why)));
}

// Costs are neither negative nor falling: a planner that trusted such a profile
// would batch without end. Only the point where a hinge's line meets the axis
// may lie below 0.
absl::Status Read(const Json& json, std::string_view name, double* value,
                  bool below_zero = false) {
  const Json* member = json.Find(name);
  const auto number = member == nullptr ? std::nullopt : member->number();
  if (!number) return Bad(name, "is missing or no number");
  if (!std::isfinite(*number) || (*number < 0 && !below_zero)) {
    return Bad(name, "must not be negative");
  }
  *value = *number;
  return absl::OkStatus();
}

absl::StatusOr<Hinge> ReadHinge(const Json* json, std::string_view what) {
  if (json == nullptr) return Bad(what, "is missing");
  Hinge hinge;
  SHEAF_RETURN_IF_ERROR(Read(*json, "h", &hinge.h));
  SHEAF_RETURN_IF_ERROR(Read(*json, "a", &hinge.a, true));
  SHEAF_RETURN_IF_ERROR(Read(*json, "b", &hinge.b));
  return hinge;
}

absl::StatusOr<Line> ReadLine(const Json* json, std::string_view what) {
  if (json == nullptr) return Bad(what, "is missing");
  Line line;
  SHEAF_RETURN_IF_ERROR(Read(*json, "a", &line.a));
  SHEAF_RETURN_IF_ERROR(Read(*json, "b", &line.b));
  return line;
}

absl::Status ReadMeasured(const Json& json, Profile* profile) {
  if (json.object() == nullptr) return Bad("measured", "is no object");
  if (json.object()->size() > kPointsMax) {
    return Bad("measured", "has more than 128 points");
  }
  for (const auto& [rows, unused] : *json.object()) {
    int n = 0;
    if (!absl::SimpleAtoi(rows, &n) || n < 1) {
      return Bad(rows, "is no number of rows");
    }
    SHEAF_RETURN_IF_ERROR(Read(json, rows, &profile->measured[n]));
  }
  return absl::OkStatus();
}

absl::StatusOr<Profile> ReadProfile(const std::string& name, const Json& json) {
  Profile profile{.name = name};
  SHEAF_ASSIGN_OR_RETURN(profile.step, ReadHinge(json.Find("step"), "step"));
  SHEAF_ASSIGN_OR_RETURN(profile.control,
                         ReadHinge(json.Find("control"), "control"));
  SHEAF_ASSIGN_OR_RETURN(profile.encode,
                         ReadLine(json.Find("encode"), "encode"));
  SHEAF_ASSIGN_OR_RETURN(profile.decode,
                         ReadLine(json.Find("decode"), "decode"));
  SHEAF_RETURN_IF_ERROR(Read(json, "swap", &profile.swap));
  if (const Json* alone = json.Find("alone")) {
    if (alone->boolean() == nullptr)
      return Bad("alone", "is not true or false");
    profile.alone = *alone->boolean();
  }
  if (const Json* measured = json.Find("measured")) {
    SHEAF_RETURN_IF_ERROR(ReadMeasured(*measured, &profile));
  }
  if (const Json* controls = json.Find("controls")) {
    if (controls->object() == nullptr) return Bad("controls", "is no object");
    if (controls->object()->size() > kControlsMax) {
      return Bad("controls", "names more than 64 of them");
    }
    for (const auto& [control, hinge] : *controls->object()) {
      if (control.size() > kControlNameMax) {
        return Bad("controls", "has a name of more than 256 bytes");
      }
      SHEAF_ASSIGN_OR_RETURN(profile.controls[control],
                             ReadHinge(&hinge, control));
    }
  }
  return profile;
}

void Put(JsonObject* object, std::string_view name, const Hinge& hinge,
         std::string* out) {
  object->Name(name);
  JsonObject json(out);
  json.Number("h", hinge.h);
  json.Number("a", hinge.a);
  json.Number("b", hinge.b);
  json.Close();
}

void Put(JsonObject* object, std::string_view name, const Line& line,
         std::string* out) {
  object->Name(name);
  JsonObject json(out);
  json.Number("a", line.a);
  json.Number("b", line.b);
  json.Close();
}

void Put(const Profile& profile, std::string* out) {
  JsonObject object(out);
  Put(&object, "step", profile.step, out);
  if (!profile.measured.empty()) {
    object.Name("measured");
    JsonObject json(out);
    for (const auto& [n, ms] : profile.measured) {
      json.Number(std::to_string(n), ms);
    }
    json.Close();
  }
  Put(&object, "control", profile.control, out);
  if (!profile.controls.empty()) {
    object.Name("controls");
    JsonObject json(out);
    for (const auto& [name, hinge] : profile.controls) {
      Put(&json, name, hinge, out);
    }
    json.Close();
  }
  Put(&object, "encode", profile.encode, out);
  Put(&object, "decode", profile.decode, out);
  object.Number("swap", profile.swap);
  if (profile.alone) object.Boolean("alone", true);
  object.Close();
}

using Points = std::vector<std::pair<int, double>>;

// The flat part over the first `flat` points, a line through the others.
Hinge FitAt(const Points& points, size_t flat) {
  // Weights of 1/ms^2 make the squared error a relative one.
  double w = 0, x = 0, y = 0, xx = 0, xy = 0, level = 0, level_w = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    const auto [n, ms] = points[i];
    const double weight = 1 / std::max(ms * ms, 1e-12);
    if (i < flat) {
      level += weight * ms;
      level_w += weight;
      continue;
    }
    w += weight;
    x += weight * n;
    y += weight * ms;
    xx += weight * n * n;
    xy += weight * n * ms;
  }
  Hinge hinge;
  if (level_w > 0) hinge.h = level / level_w;
  const double spread = w * xx - x * x;
  if (points.size() - flat >= 2 && spread > 1e-12 * w * w) {
    hinge.b = std::max(0.0, (w * xy - x * y) / spread);
    hinge.a = (y - hinge.b * x) / w;
  } else if (w > 0) {
    hinge.b = y / x;  // One point: proportional, which promises no gain.
  }
  return hinge;
}

double ErrorOf(const Hinge& hinge, const Points& points) {
  double sum = 0;
  for (const auto& [n, ms] : points) {
    const double relative = hinge.At(n) / std::max(ms, 1e-6) - 1;
    sum += relative * relative;
  }
  return sum;
}

}  // namespace

double Profile::Step(int n) const {
  if (measured.empty() || n > measured.rbegin()->first) return step.At(n);
  const auto above = measured.lower_bound(n);
  if (above->first == n) return above->second;
  if (above == measured.begin()) return std::min(step.At(n), above->second);
  const auto below = std::prev(above);
  const double part =
      static_cast<double>(n - below->first) / (above->first - below->first);
  return below->second + part * (above->second - below->second);
}

const Hinge& Profile::Control(const std::string& name) const {
  const auto found = controls.find(name);
  return found == controls.end() ? control : found->second;
}

absl::StatusOr<std::map<std::string, Profile>> ParseProfiles(
    std::string_view json) {
  SHEAF_ASSIGN_OR_RETURN(const Json root, Json::Parse(json));
  if (root.object() == nullptr) return Bad("the file", "is no JSON object");
  std::map<std::string, Profile> profiles;
  for (const auto& [name, value] : *root.object()) {
    absl::StatusOr<Profile> profile = ReadProfile(name, value);
    if (!profile.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": ", std::string(profile.status().message())));
    }
    profiles[name] = *std::move(profile);
  }
  if (profiles.empty()) return Bad("the file", "holds none");
  return profiles;
}

std::string Encode(const std::map<std::string, Profile>& profiles) {
  std::string out;
  JsonObject object(&out);
  for (const auto& [name, profile] : profiles) {
    object.Name(name);
    Put(profile, &out);
  }
  object.Close();
  return out;
}

Hinge FitHinge(const std::map<int, double>& points) {
  SHEAF_CHECK(!points.empty());
  const Points list(points.begin(), points.end());
  Hinge best;
  double least = std::numeric_limits<double>::infinity();
  for (size_t flat = 0; flat <= list.size(); ++flat) {
    // Flat all the way would promise a gain nobody saw.
    if (flat == list.size() && list.size() > 1) break;
    const Hinge hinge = FitAt(list, std::min(flat, list.size() - 1));
    const double error = ErrorOf(hinge, list);
    if (error < least) best = hinge;
    least = std::min(least, error);
  }
  return best;
}

int Knee(const Profile& profile, int rows_max, double share) {
  double best = std::numeric_limits<double>::infinity();
  for (int n = 1; n <= rows_max; ++n) {
    best = std::min(best, profile.Step(n) / n);
  }
  int n = 1;
  while (n < rows_max && profile.Step(n) / n > best * (1 + share)) ++n;
  return n;
}

}  // namespace sheaf::batching
