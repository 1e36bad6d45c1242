// The rows of artifacts, and which jobs need them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "queue/types.h"

namespace sheaf {

class ArtifactReads {
 public:
  virtual ~ArtifactReads() = default;

  virtual std::optional<Artifact> FindArtifact(const std::string& digest) = 0;
  virtual bool IsReferenced(const std::string& digest) = 0;
  virtual std::vector<Artifact> UnreferencedArtifacts(absl::Time created_by,
                                                      int limit) = 0;
};

class ArtifactWrites {
 public:
  virtual ~ArtifactWrites() = default;

  virtual void SaveArtifact(const Artifact& artifact) = 0;
  virtual void DeleteArtifact(const std::string& digest) = 0;
  // The job needs these; they stay as long as it does.
  virtual void AddReferences(JobId job,
                             const std::vector<std::string>& digests) = 0;
};

}  // namespace sheaf
