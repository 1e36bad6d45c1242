#include "inference/engine/control/preprocess_text.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/near_word.h"
#include "base/status.h"

namespace sheaf::engine {
namespace {

// Networks that other programs have as preprocessors.
constexpr std::string_view kNetworks[] = {
    "anime_face", "densepose", "depth_anything", "dwpose",    "hed",
    "inpaint",    "leres",     "lineart_anime",  "mediapipe", "midas",
    "normalbae",  "oneformer", "openpose_full",  "pidinet",   "sam",
    "softedge",   "teed",      "uniformer",      "zoe",
};

struct OptionRow {
  std::string_view name;
  std::vector<Preprocessor> takers;
  int PreprocessOptions::*integer = nullptr;
  double PreprocessOptions::*number = nullptr;
  bool PreprocessOptions::*flag = nullptr;
};

const std::vector<OptionRow>& OptionRows() {
  using P = Preprocessor;
  using Options = PreprocessOptions;
  static const auto* const kRows = new std::vector<OptionRow>{
      {.name = "low", .takers = {P::kCanny}, .integer = &Options::low},
      {.name = "high", .takers = {P::kCanny}, .integer = &Options::high},
      {.name = "threshold",
       .takers = {P::kScribble},
       .integer = &Options::scribble_threshold},
      {.name = "background",
       .takers = {P::kNormal},
       .number = &Options::background},
      {.name = "sigma", .takers = {P::kBlur}, .number = &Options::blur_sigma},
      {.name = "resolution",
       .takers = {P::kCanny, P::kScribble, P::kMlsd, P::kLineart, P::kBlur},
       .integer = &Options::detect_resolution},
      {.name = "invert",
       .takers = {P::kNone, P::kDepth, P::kScribble, P::kNormal, P::kLineart},
       .flag = &Options::invert},
  };
  return *kRows;
}

std::vector<std::string> Names(const std::vector<Preprocessor>& all) {
  std::vector<std::string> names;
  for (const Preprocessor one : all) names.emplace_back(NameOf(one));
  return names;
}

absl::Status NoSuchName(std::string_view name) {
  if (std::find(std::begin(kNetworks), std::end(kNetworks), name) !=
      std::end(kNetworks)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "preprocessor '", ToAbsl(name),
        "' needs a network that Sheaf does not have: give the map that it "
        "makes, or take one of ",
        absl::StrJoin(DetectorNames(), ", ")));
  }
  const std::vector<std::string> known = Names(AllPreprocessors());
  return absl::InvalidArgumentError(absl::StrCat(
      "no preprocessor '", ToAbsl(name), "'", DidYouMean(name, known),
      "; there are ", absl::StrJoin(known, ", ")));
}

absl::Status SetOption(std::string_view text, Preprocessing* wanted) {
  const size_t equals = text.find('=');
  const std::string name(
      absl::StripAsciiWhitespace(ToAbsl(text.substr(0, equals))));
  const std::string value(
      equals == std::string_view::npos
          ? ""
          : absl::StripAsciiWhitespace(ToAbsl(text.substr(equals + 1))));
  const auto bad = [&](std::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(
        ToAbsl(NameOf(wanted->preprocessor)), ": ", name, " ", ToAbsl(what)));
  };
  std::vector<std::string> known;
  for (const OptionRow& row : OptionRows()) {
    if (std::find(row.takers.begin(), row.takers.end(), wanted->preprocessor) ==
        row.takers.end()) {
      continue;
    }
    known.emplace_back(row.name);
    if (row.name != name) continue;
    PreprocessOptions& options = wanted->options;
    if (row.flag != nullptr) {
      options.*row.flag = true;
      return equals == std::string_view::npos ? absl::OkStatus()
                                              : bad("takes no value");
    }
    if (row.integer != nullptr) {
      return absl::SimpleAtoi(value, &(options.*row.integer))
                 ? absl::OkStatus()
                 : bad("must be a whole number");
    }
    return absl::SimpleAtod(value, &(options.*row.number)) &&
                   std::isfinite(options.*row.number)
               ? absl::OkStatus()
               : bad("must be a number");
  }
  return bad(absl::StrCat("is no option of it", DidYouMean(name, known)));
}

}  // namespace

absl::StatusOr<Preprocessing> ParsePreprocessing(std::string_view text) {
  const size_t bracket = text.find('(');
  const std::string_view name = text.substr(0, bracket);
  const auto preprocessor = PreprocessorNamed(name);
  if (!preprocessor) return NoSuchName(name);
  Preprocessing wanted = {.preprocessor = *preprocessor, .options = {}};
  if (bracket == std::string_view::npos) return wanted;
  if (text.back() != ')') {
    return absl::InvalidArgumentError(
        absl::StrCat("'", ToAbsl(text), "' must end in ')'"));
  }
  const std::string_view inside =
      text.substr(bracket + 1, text.size() - bracket - 2);
  for (const auto& option :
       absl::StrSplit(ToAbsl(inside), ',', absl::SkipWhitespace())) {
    SHEAF_RETURN_IF_ERROR(SetOption(ToStd(option), &wanted));
  }
  return wanted;
}

bool TakesAnyPicture(Preprocessor preprocessor) {
  switch (preprocessor) {
    case Preprocessor::kCanny:
    case Preprocessor::kScribble:
    case Preprocessor::kMlsd:
    case Preprocessor::kLineart:
    case Preprocessor::kBlur:
      return true;
    case Preprocessor::kNone:
    case Preprocessor::kDepth:
    case Preprocessor::kPose:
    case Preprocessor::kNormal:
    case Preprocessor::kSegmentation:
      return false;
  }
  return false;
}

std::vector<std::string> DetectorNames() {
  std::vector<std::string> names;
  for (const Preprocessor one : AllPreprocessors()) {
    if (TakesAnyPicture(one)) names.emplace_back(NameOf(one));
  }
  return names;
}

}  // namespace sheaf::engine
