// Artifacts as the store knows them; their bytes are in files.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "queue/error.h"
#include "queue/store.h"

namespace sheaf {

struct FoundArtifact {
  Artifact artifact;
  bool referenced = false;  // a job needs it
};

// ARTIFACT_NOT_FOUND
absl::StatusOr<FoundArtifact> FindArtifactOrError(View& view,
                                                  const std::string& digest);

}  // namespace sheaf
