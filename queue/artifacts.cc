#include "queue/artifacts.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sheaf {

absl::StatusOr<FoundArtifact> FindArtifactOrError(View& view,
                                                  const std::string& digest) {
  std::optional<Artifact> artifact = view.FindArtifact(digest);
  if (!artifact) {
    const std::string name = absl::StrCat("artifacts/", digest);
    return WithSubject(
        Error(Reason::kArtifactNotFound, absl::StrCat("there is no ", name)),
        name);
  }
  return FoundArtifact{*std::move(artifact), view.IsReferenced(digest)};
}

}  // namespace sheaf
