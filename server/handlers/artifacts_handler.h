// ArtifactService on the wire.
#pragma once

#include "server/handlers/core.h"
#include "server/wire/guarded_messages.h"
#include "sheaf/v1/artifact_service.grpc.pb.h"

namespace sheaf::server {

class ArtifactsHandler final
    : public sheaf::v1::ArtifactService::CallbackService {
 public:
  explicit ArtifactsHandler(Core* core) : core_(*core) {}

  grpc::ServerReadReactor<sheaf::v1::UploadArtifactRequest>* UploadArtifact(
      grpc::CallbackServerContext* context,
      sheaf::v1::Artifact* response) override;
  grpc::ServerWriteReactor<sheaf::v1::DownloadArtifactResponse>*
  DownloadArtifact(grpc::CallbackServerContext* context,
                   const sheaf::v1::DownloadArtifactRequest* request) override;
  grpc::ServerUnaryReactor* GetArtifact(
      grpc::CallbackServerContext* context,
      const sheaf::v1::GetArtifactRequest* request,
      sheaf::v1::Artifact* response) override;

 private:
  Core& core_;
};

}  // namespace sheaf::server
