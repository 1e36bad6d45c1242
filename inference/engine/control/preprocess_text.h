// A preprocessor and its options as people write them: "canny",
// "canny(low=50,high=150)", "scribble(invert)".
//
// Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/control/preprocess.h"

namespace sheaf::engine {

struct Preprocessing {
  Preprocessor preprocessor = Preprocessor::kNone;
  PreprocessOptions options;
};

// INVALID_ARGUMENT for an unknown name, with the one that was probably meant,
// for the name of a network that detects elsewhere and is not here, and for an
// option that the preprocessor does not have or a value that is no number.
absl::StatusOr<Preprocessing> ParsePreprocessing(std::string_view text);

// Whether it makes its map from any picture. The others need a map that a
// network made: of depth, of classes, of a pose.
bool TakesAnyPicture(Preprocessor preprocessor);
// The names of those that do.
std::vector<std::string> DetectorNames();

}  // namespace sheaf::engine
