#include "server/artifacts_handler.h"

#include <atomic>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/artifact_library.h"
#include "server/call.h"
#include "server/convert.h"

namespace sheaf::server {
namespace {

constexpr size_t kChunk = 256 * 1024;

absl::Status NoSuchArtifact(const std::string& digest) {
  const std::string name = absl::StrCat("artifacts/", digest);
  return WithSubject(
      Error(Reason::kArtifactNotFound, absl::StrCat("there is no ", name)),
      name);
}

class UploadReactor final
    : public grpc::ServerReadReactor<pb::UploadArtifactRequest> {
 public:
  UploadReactor(Core* core, grpc::CallbackServerContext* context,
                pb::Artifact* response)
      : core_(core), context_(context), response_(response) {}

  void Start() {
    auto upload = core_->artifacts->BeginUpload();
    if (!upload.ok()) return End(upload.status());
    upload_ = *std::move(upload);
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    core_->artifacts->Run([this, ok] {
      if (!ok) return Complete();
      const absl::Status status = Take();
      if (!status.ok()) return End(status);
      StartRead(&request_);
    });
  }
  // The read under way fails then, and ends the call.
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }

 private:
  absl::Status Take() {
    SHEAF_RETURN_IF_ERROR(Admit(*core_, *context_, request_));
    if (first_) {
      expected_ = LastPart(request_.expected_name());
      media_type_ = request_.media_type();
      first_ = false;
    } else if (!request_.expected_name().empty() ||
               !request_.media_type().empty()) {
      return InvalidArgument(
          {{"expected_name", "and media_type belong to the first message"}});
    }
    return upload_->Append(request_.data());
  }

  void Complete() {
    if (cancelled_) return Finish(grpc::Status::CANCELLED);
    if (first_) {
      return End(InvalidArgument({{"data", "the stream had no message"}}));
    }
    core_->artifacts->Finish(std::move(upload_), expected_, media_type_,
                             [this](const absl::StatusOr<Artifact>& artifact) {
                               if (artifact.ok()) ToProto(*artifact, response_);
                               End(artifact.status());
                             });
  }

  void End(const absl::Status& status) {
    upload_.reset();
    Finish(ToGrpcStatus(status));
  }

  Core* const core_;
  grpc::CallbackServerContext* const context_;
  pb::Artifact* const response_;
  pb::UploadArtifactRequest request_;
  std::unique_ptr<ArtifactStore::Upload> upload_;
  std::string expected_;
  std::string media_type_;
  bool first_ = true;
  std::atomic<bool> cancelled_ = false;
};

class DownloadReactor final
    : public grpc::ServerWriteReactor<pb::DownloadArtifactResponse>,
      public std::enable_shared_from_this<DownloadReactor> {
 public:
  explicit DownloadReactor(Core* core) : core_(core) {}

  void Reject(const absl::Status& status) {
    self_ = shared_from_this();
    Finish(ToGrpcStatus(status));
  }

  void Start(const std::string& digest) {
    self_ = shared_from_this();
    core_->store->Read(
        [me = shared_from_this(), digest](View& view) -> absl::Status {
          const auto artifact = view.FindArtifact(digest);
          if (!artifact) return NoSuchArtifact(digest);
          ToProto(*artifact, me->out_.mutable_artifact());
          me->out_.mutable_artifact()->set_referenced(
              view.IsReferenced(digest));
          return absl::OkStatus();
        },
        [me = shared_from_this(), digest](const absl::Status& status) {
          me->Found(status, digest);
        });
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    out_.Clear();
    core_->artifacts->Run([me = shared_from_this()] { me->Next(); });
  }
  void OnDone() override { self_.reset(); }

 private:
  void Found(const absl::Status& status, const std::string& digest) {
    if (!status.ok()) return Finish(ToGrpcStatus(status));
    core_->artifacts->Run([me = shared_from_this(), digest] {
      auto reader = me->core_->artifacts->OpenReader(digest);
      if (!reader.ok()) return me->Finish(ToGrpcStatus(reader.status()));
      me->reader_ = *std::move(reader);
      me->Next();
    });
  }

  void Next() {
    absl::StatusOr<std::string> data = reader_->Read(kChunk);
    if (!data.ok()) return Finish(ToGrpcStatus(data.status()));
    if (data->empty() && !first_) return Finish(grpc::Status::OK);
    first_ = false;
    out_.set_data(*std::move(data));
    StartWrite(&out_);
  }

  Core* const core_;
  std::shared_ptr<DownloadReactor> self_;  // until OnDone
  std::unique_ptr<ArtifactStore::Reader> reader_;
  pb::DownloadArtifactResponse out_;
  bool first_ = true;
};

}  // namespace

grpc::ServerReadReactor<pb::UploadArtifactRequest>*
ArtifactsHandler::UploadArtifact(grpc::CallbackServerContext* context,
                                 pb::Artifact* response) {
  auto* reactor = new UploadReactor(&core_, context, response);
  reactor->Start();
  return reactor;
}

grpc::ServerWriteReactor<pb::DownloadArtifactResponse>*
ArtifactsHandler::DownloadArtifact(grpc::CallbackServerContext* context,
                                   const pb::DownloadArtifactRequest* request) {
  auto reactor = std::make_shared<DownloadReactor>(&core_);
  auto* raw = reactor.get();
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    raw->Reject(s);
  } else {
    raw->Start(LastPart(request->name()));
  }
  return raw;
}

grpc::ServerUnaryReactor* ArtifactsHandler::GetArtifact(
    grpc::CallbackServerContext* context, const pb::GetArtifactRequest* request,
    pb::Artifact* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  using Found = std::pair<Artifact, bool>;
  return ReadCall(
      core_, context,
      [digest =
           LastPart(request->name())](View& view) -> absl::StatusOr<Found> {
        const auto artifact = view.FindArtifact(digest);
        if (!artifact) return NoSuchArtifact(digest);
        return Found(*artifact, view.IsReferenced(digest));
      },
      [response](const Found& found) {
        ToProto(found.first, response);
        response->set_referenced(found.second);
      });
}

}  // namespace sheaf::server
