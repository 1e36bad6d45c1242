#include "server/handlers/artifacts_handler.h"

#include <atomic>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/status.h"
#include "queue/artifacts.h"
#include "server/admission/stream_slots.h"
#include "server/blobs/artifact_library.h"
#include "server/handlers/call_options.h"
#include "server/handlers/calls.h"
#include "server/handlers/piece_sender.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

constexpr size_t kArtifactChunk = 256 * 1024;

void Fill(const FoundArtifact& found, pb::Artifact* out) {
  ToProto(found.artifact, out);
  out->set_referenced(found.referenced);
}

absl::Status Gone() {
  return Error(Reason::kCallCancelled, "the caller has gone");
}

// An upload. Its own tasks end it; so does the clock while it waits for the
// caller's next message, and another upload that needs its place.
class UploadReactor final
    : public grpc::ServerReadReactor<pb::UploadArtifactRequest>,
      public std::enable_shared_from_this<UploadReactor> {
 public:
  UploadReactor(const Door& door, ArtifactLibrary* artifacts,
                grpc::CallbackServerContext* context, pb::Artifact* response)
      : door_(door),
        artifacts_(*artifacts),
        context_(context),
        response_(response),
        caller_(CallerOf(context->peer())) {}

  void Start(StreamSlots* uploads) {
    self_ = shared_from_this();
    place_ = uploads->Enter(
        caller_, [weak = weak_from_this()](const absl::Status& status) {
          if (const auto me = weak.lock()) me->PutOut(status);
        });
    ReadNext();
  }

  void OnReadDone(bool ok) override {
    place_->Heard(ok ? static_cast<int64_t>(request_.data().size()) : 0);
    if (const absl::Status status = ok ? Check() : absl::OkStatus();
        !status.ok()) {
      return End(status);
    }
    artifacts_.Run(caller_.connection, [me = shared_from_this(), ok] {
      ok ? me->Take() : me->Complete();
    });
  }
  // The read under way then fails and ends the call.
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override {
    place_.reset();
    // The upload's file is removed on a thread that may wait for the disk.
    artifacts_.Run([self = std::move(self_)] {});
  }

 private:
  void ReadNext() {
    const absl::MutexLock lock(&mutex_);
    if (ended_) return;
    place_->Waits();
    StartRead(&request_);
  }

  absl::Status Check() {
    SHEAF_RETURN_IF_ERROR(door_.Check(*context_, request_));
    if (first_) {
      SHEAF_RETURN_IF_ERROR(place_->Claim());
      expected_ = LastPart(request_.expected_name());
      media_type_ = request_.media_type();
      first_ = false;
    } else if (!request_.expected_name().empty() ||
               !request_.media_type().empty()) {
      return InvalidArgument(
          {{"expected_name", "and media_type belong to the first message"}});
    }
    return absl::OkStatus();
  }

  // Runs on the disk's threads, like Complete and Append.
  void Take() {
    if (cancelled_) return End(Gone());
    const absl::Status status = Append();
    if (!status.ok()) return End(status);
    ReadNext();
  }

  absl::Status Append() {
    if (upload_ == nullptr) {
      SHEAF_ASSIGN_OR_RETURN(upload_, artifacts_.BeginUpload());
    }
    return upload_->Append(request_.data());
  }

  void Complete() {
    if (cancelled_) return End(Gone());
    if (upload_ == nullptr) {
      return End(InvalidArgument({{"data", "the stream had no message"}}));
    }
    {
      const absl::MutexLock lock(&mutex_);
      if (ended_) return;
      completing_ = true;
    }
    artifacts_.Finish(
        std::move(upload_), expected_, media_type_,
        [me = shared_from_this()](const absl::StatusOr<Artifact>& artifact) {
          if (artifact.ok()) ToProto(*artifact, me->response_);
          me->End(artifact.status());
        },
        CallOf(*context_, /*cancellable=*/false));
  }

  void PutOut(const absl::Status& status) {
    const absl::MutexLock lock(&mutex_);
    if (!completing_) EndLocked(status);
  }
  void End(const absl::Status& status) {
    const absl::MutexLock lock(&mutex_);
    EndLocked(status);
  }
  void EndLocked(const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (ended_) return;
    ended_ = true;
    Finish(ToGrpcStatus(status));
  }

  const Door& door_;
  ArtifactLibrary& artifacts_;
  grpc::CallbackServerContext* const context_;
  pb::Artifact* const response_;
  const Caller caller_;
  std::shared_ptr<UploadReactor> self_;  // until OnDone
  std::unique_ptr<StreamSlots::Stream> place_;
  pb::UploadArtifactRequest request_;
  std::unique_ptr<ArtifactLibrary::Upload> upload_;
  std::string expected_;
  std::string media_type_;
  bool first_ = true;
  std::atomic<bool> cancelled_ = false;
  absl::Mutex mutex_;
  bool completing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

class DownloadReactor final : public PieceSender<pb::DownloadArtifactResponse> {
 public:
  using PieceSender::PieceSender;

  void Start(const Calls& calls, const absl::Status& admitted,
             StreamSlots* downloads, const std::string& digest) {
    if (!Enter(admitted, downloads)) return;
    const auto me =
        std::static_pointer_cast<DownloadReactor>(shared_from_this());
    calls.store().Read(
        [me, digest](View& view) -> absl::Status {
          SHEAF_ASSIGN_OR_RETURN(const FoundArtifact found,
                                 FindArtifactOrError(view, digest));
          Fill(found, me->out()->mutable_artifact());
          return absl::OkStatus();
        },
        [me, digest](const absl::Status& status) {
          if (!status.ok()) return me->End(status);
          me->digest_ = digest;
          me->Send();
        },
        call());
  }

 private:
  absl::StatusOr<bool> Next(pb::DownloadArtifactResponse* out) override {
    const bool first = reader_ == nullptr;
    if (first) {
      SHEAF_ASSIGN_OR_RETURN(reader_, files().OpenReader(digest_));
    }
    SHEAF_ASSIGN_OR_RETURN(std::string data, reader_->Read(kArtifactChunk));
    out->set_data(std::move(data));
    // An empty artifact is one message, too.
    return first || !out->data().empty();
  }

  std::string digest_;
  std::unique_ptr<ArtifactStore::Reader> reader_;
};

}  // namespace

ArtifactsHandler::ArtifactsHandler(const Calls& calls,
                                   ArtifactLibrary* artifacts,
                                   StreamSlots* uploads, StreamSlots* downloads)
    : calls_(calls),
      artifacts_(*artifacts),
      uploads_(*uploads),
      downloads_(*downloads) {}

ArtifactsHandler::~ArtifactsHandler() = default;

grpc::ServerReadReactor<pb::UploadArtifactRequest>*
ArtifactsHandler::UploadArtifact(grpc::CallbackServerContext* context,
                                 pb::Artifact* response) {
  const auto reactor = std::make_shared<UploadReactor>(
      calls_.door(), &artifacts_, context, response);
  reactor->Start(&uploads_);
  return reactor.get();
}

grpc::ServerWriteReactor<pb::DownloadArtifactResponse>*
ArtifactsHandler::DownloadArtifact(grpc::CallbackServerContext* context,
                                   const pb::DownloadArtifactRequest* request) {
  const auto reactor = std::make_shared<DownloadReactor>(&artifacts_, context);
  reactor->Start(calls_, calls_.door().Check(*context, *request), &downloads_,
                 LastPart(request->name()));
  return reactor.get();
}

grpc::ServerUnaryReactor* ArtifactsHandler::GetArtifact(
    grpc::CallbackServerContext* context, const pb::GetArtifactRequest* request,
    pb::Artifact* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    return calls_.Read(
        context,
        [digest = LastPart(request->name())](View& view) {
          return FindArtifactOrError(view, digest);
        },
        [response](const FoundArtifact& stored) { Fill(stored, response); });
  });
}

}  // namespace sheaf::server
