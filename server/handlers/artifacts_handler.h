// ArtifactService on the wire.
#pragma once

#include "server/admission/stream_slots.h"
#include "server/blobs/artifact_library.h"
#include "server/handlers/calls.h"
#include "server/wire/guarded_messages.h"
#include "sheaf/v1/artifact_service.grpc.pb.h"

namespace sheaf::server {

class ArtifactsHandler final
    : public sheaf::v1::ArtifactService::CallbackService {
 public:
  // Borrows all of them. `uploads` and `downloads` hold the places of the two
  // kinds of streams.
  ArtifactsHandler(const Calls& calls, ArtifactLibrary* artifacts,
                   StreamSlots* uploads, StreamSlots* downloads);
  ~ArtifactsHandler() override;

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
  const Calls calls_;
  ArtifactLibrary& artifacts_;
  StreamSlots& uploads_;
  StreamSlots& downloads_;
};

}  // namespace sheaf::server
