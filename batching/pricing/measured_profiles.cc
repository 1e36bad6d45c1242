#include "batching/pricing/measured_profiles.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sheaf::batching {
namespace {

std::string SizeText(const WorkKind& kind) {
  if (kind.width == 0 || kind.height == 0) return "its own size";
  return absl::StrCat(kind.width, "x", kind.height);
}

std::string TitleOf(const WorkKind& kind) {
  return absl::StrCat(ShortName(kind.device), ", ",
                      kind.model.empty() ? "default model" : kind.model, ", ",
                      SizeText(kind));
}

double Pixels(const WorkKind& kind) {
  return static_cast<double>(kind.width) * static_cast<double>(kind.height);
}

// The time of a step with a fractional number of rows; less than one row costs
// as much as one.
double StepOf(const Profile& profile, double rows) {
  if (rows <= 1) return profile.Step(1);
  const int whole = static_cast<int>(rows);
  const double below = profile.Step(whole);
  return below + (rows - whole) * (profile.Step(whole + 1) - below);
}

Hinge Scaled(const Hinge& hinge, double factor) {
  return {std::max(hinge.h, factor < 1 ? hinge.At(1) : 0), hinge.a,
          hinge.b * factor};
}

}  // namespace

Profile Scaled(Profile profile, double factor) {
  std::map<int, double> measured;
  for (const auto& [rows, unused] : profile.measured) {
    measured[rows] = StepOf(profile, rows * factor);
  }
  profile.measured = std::move(measured);
  profile.step = Scaled(profile.step, factor);
  profile.control = Scaled(profile.control, factor);
  for (auto& control : profile.controls) {
    control.second = Scaled(control.second, factor);
  }
  profile.decode = {profile.decode.a * factor, profile.decode.b * factor};
  return profile;
}

void MeasuredProfiles::Put(const WorkKind& kind, Profile profile) {
  profile.name = TitleOf(kind);
  profile.measured_here = true;
  profiles_[kind.Plain()] = std::move(profile);
}

const MeasuredProfiles::Entry* MeasuredProfiles::Nearest(
    const WorkKind& kind) const {
  const double pixels = Pixels(kind);
  if (pixels <= 0) return nullptr;
  const Entry* nearest = nullptr;
  double least = std::numeric_limits<double>::infinity();
  // Kinds are in the order of devices and models.
  for (auto it =
           profiles_.lower_bound({.device = kind.device, .model = kind.model});
       it != profiles_.end() && it->first.device == kind.device &&
       it->first.model == kind.model;
       ++it) {
    if (Pixels(it->first) <= 0) continue;
    const double apart = std::abs(std::log(Pixels(it->first) / pixels));
    if (apart >= least) continue;
    least = apart;
    nearest = &*it;
  }
  return nearest;
}

Profile MeasuredProfiles::For(const WorkKind& kind) const {
  const auto found = profiles_.find(kind.Plain());
  if (found != profiles_.end()) return found->second;
  const Entry* nearest = Nearest(kind);
  if (nearest == nullptr) return configured_;
  Profile scaled =
      Scaled(nearest->second, Pixels(kind) / Pixels(nearest->first));
  scaled.name = absl::StrCat(TitleOf(kind), " (by the pixels from ",
                             SizeText(nearest->first), ")");
  return scaled;
}

bool MeasuredProfiles::IsMeasured(const WorkKind& kind) const {
  return IsMeasuredAtThatSize(kind) || Nearest(kind) != nullptr;
}

bool MeasuredProfiles::StepsAlone(const std::string& device,
                                  const std::string& model) const {
  for (auto it = profiles_.lower_bound({.device = device, .model = model});
       it != profiles_.end() && it->first.device == device &&
       it->first.model == model;
       ++it) {
    if (it->second.alone) return true;
  }
  return false;
}

std::vector<std::string> MeasuredProfiles::DevicesOf(
    const std::string& model) const {
  std::vector<std::string> devices;
  for (const auto& [kind, profile] : profiles_) {
    if (kind.model != model) continue;
    if (devices.empty() || devices.back() != kind.device) {
      devices.push_back(kind.device);
    }
  }
  return devices;
}

}  // namespace sheaf::batching
