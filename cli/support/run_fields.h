// Sets one field of a RunRequest by its name and its value as text, for the
// columns of a prompts file and for the flags of `job submit`.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "sheaf/v1/job.pb.h"

namespace sheaf::cli {

// The names SetRunField takes: every field of RunRequest that holds one value,
// then "negative", "size", "original_size", "target_size", "image", "control"
// and "lora".
const std::vector<std::string>& RunFieldNames();

// OK if SetRunField knows `name`; also "weights.TYPE" and "extra.KEY".
absl::Status CheckRunFieldName(std::string_view name);

// Sets the field; "image", "control" and "lora" add one. INVALID_ARGUMENT for
// an unknown name and for a value that does not fit its type.
absl::Status SetRunField(std::string_view name, std::string_view value,
                         v1::RunRequest* run);

// A caller's use of a picture of a run, which it may replace.
using PictureCase = std::function<absl::Status(std::string* picture)>;
// Calls it with each picture that the run has (init_image, mask, images, those
// of controls), until it fails.
absl::Status ForEachPicture(v1::RunRequest* run, const PictureCase& f);

}  // namespace sheaf::cli
