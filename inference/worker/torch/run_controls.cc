#include "inference/worker/torch/run_controls.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/worker/session/batch_weights.h"

namespace sheaf::worker {
namespace {

// The detector that makes the pictures that ControlNets of this type are
// trained on; empty where it takes a network.
std::string DetectorForType(const std::string& type) {
  const auto preprocessor = engine::PreprocessorNamed(type);
  if (!preprocessor || !engine::TakesAnyPicture(*preprocessor)) return "";
  return std::string(engine::NameOf(*preprocessor));
}

}  // namespace

std::vector<RunControl> ControlsOf(const v1::LeasedBatch& batch, int row) {
  const v1::RunRequest& wish = batch.runs(row).request();
  const auto& weights = WeightsOf(batch, row);
  std::vector<RunControl> controls;
  const auto add = [&](const v1::Control& control, double own_weight) {
    const auto found = weights.find(control.type());
    const double weight = found == weights.end() ? own_weight : found->second;
    if (weight == 0) return;
    RunControl& wanted = controls.emplace_back();
    wanted.type = control.type();
    wanted.weight = weight;
    if (control.has_start()) wanted.start = control.start();
    if (control.has_end()) wanted.end = control.end();
    wanted.image = control.image();
    wanted.preprocess = control.preprocess();
    if (wanted.image.empty() && wanted.preprocess.empty()) {
      wanted.preprocess = DetectorForType(wanted.type);
    }
  };
  std::set<std::string> named;
  for (const v1::Control& control : wish.controls()) {
    named.insert(control.type());
    add(control, control.has_weight() ? control.weight() : 1.0);
  }
  const std::map<std::string, double> plain(wish.weights().begin(),
                                            wish.weights().end());
  for (const auto& [type, weight] : plain) {
    if (named.contains(type)) continue;
    v1::Control control;
    control.set_type(type);
    add(control, weight);
  }
  return controls;
}

absl::StatusOr<engine::Preprocessing> DetectorOf(const RunControl& control) {
  const auto bad = [&](std::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat("control '", control.type, "': ", ToAbsl(what)));
  };
  auto wanted = engine::ParsePreprocessing(control.preprocess);
  if (!wanted.ok()) return bad(ToStd(wanted.status().message()));
  if (engine::TakesAnyPicture(wanted->preprocessor)) return wanted;
  return bad(absl::StrCat(
      "preprocessor '", ToAbsl(engine::NameOf(wanted->preprocessor)),
      "' makes no map from an ordinary picture, which takes a network that "
      "Sheaf does not have: give a ready map and no preprocessor"));
}

absl::Status NoPictureFor(const RunControl& control, bool has_init_image) {
  std::string text =
      absl::StrCat("control '", control.type, "' has a weight but no picture");
  if (has_init_image) {
    absl::StrAppend(&text,
                    ", and no detector here makes one from init_image; give "
                    "the control a ready map");
  } else {
    absl::StrAppend(&text, "; give it one");
  }
  absl::StrAppend(&text, " (controls[].image; --control ", control.type,
                  ":WEIGHT:FILE)");
  if (!has_init_image && !control.preprocess.empty()) {
    absl::StrAppend(&text, ", or give the run an init_image, of which ",
                    control.preprocess, " makes one");
  }
  return absl::InvalidArgumentError(text);
}

}  // namespace sheaf::worker
