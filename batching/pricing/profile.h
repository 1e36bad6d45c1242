// The times that a device was measured to take, in milliseconds throughout.
// UNet rows count a guided run twice. Plain values; any thread.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace sheaf::batching {

// max(h, a + b*n): flat while the device has room, then linear.
struct Hinge {
  double h = 0;
  double a = 0;
  double b = 0;
  double At(int n) const { return std::max(h, a + b * n); }
  bool operator==(const Hinge&) const = default;
};

struct Line {
  double a = 0;
  double b = 0;
  double At(int n) const { return a + b * n; }
  bool operator==(const Line&) const = default;
};

// The times of one device, model, dtype and picture size. It is labelled by its
// name wherever it shows.
struct Profile {
  std::string name;
  // Whether the worker itself measured it for this very model, and it is not
  // from a file. Not encoded: its reader knows where it lay.
  bool measured_here = false;
  // One step for n UNet rows: as measured at some n, straight between
  // neighbours, the hinge above the last one and where nothing was measured.
  std::map<int, double> measured;
  Hinge step;
  // One step of one control for n rows that use it; a control that is not
  // named costs the general one.
  Hinge control;
  std::map<std::string, Hinge> controls;
  Line encode;      // of a batch of n runs
  Line decode;      // of one run: pictures are decoded as they finish
  double swap = 0;  // change of model
  // Rows that stepped together gave other results than rows that stepped alone:
  // the device's worker steps this model's rows one by one.
  bool alone = false;

  double Step(int n) const;
  const Hinge& Control(const std::string& name) const;
  bool operator==(const Profile&) const = default;
};

// Profiles by name, of {"NAME": {"step": {"h","a","b"}, "control": {...},
// "encode": {"a","b"}, "decode": {...}, "swap": ms}}; optional "measured":
// {"n": ms}, "controls": {"NAME": {"h","a","b"}} and "alone": true or false.
// INVALID_ARGUMENT names the profile and what is wrong.
absl::StatusOr<std::map<std::string, Profile>> ParseProfiles(
    std::string_view json);
// The same as JSON; ParseProfiles reads it back equal.
std::string Encode(const std::map<std::string, Profile>& profiles);

// The hinge that misses the points (n, ms) by the least squared relative
// error. At least one point.
Hinge FitHinge(const std::map<int, double>& points);

// The smallest number of rows at which a step costs, for each row, within
// `share` (0.05) of the best up to `rows_max`: batching further gains nothing.
int Knee(const Profile& profile, int rows_max, double share);

}  // namespace sheaf::batching
