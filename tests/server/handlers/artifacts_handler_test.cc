// ArtifactService, called as clients call it.
#include "server/handlers/artifacts_handler.h"

#include <filesystem>
#include <system_error>
#include <thread>

#include "absl/time/clock.h"
#include "base/sha256.h"
#include "tests/server/handlers/running_server.h"

namespace sheaf::server {
namespace {

namespace pb = ::sheaf::v1;

class ArtifactsHandlerTest : public RunningServer {
 protected:
  ArtifactsHandlerTest() { Start(); }

  grpc::Status Upload(const std::vector<pb::UploadArtifactRequest>& messages,
                      pb::Artifact* artifact) {
    const auto stub = pb::ArtifactService::NewStub(channel_);
    grpc::ClientContext context;
    const auto writer = stub->UploadArtifact(&context, artifact);
    for (const auto& message : messages) writer->Write(message);
    writer->WritesDone();
    return writer->Finish();
  }
  static pb::UploadArtifactRequest Piece(const std::string& data,
                                         const std::string& expected = "") {
    pb::UploadArtifactRequest request;
    request.set_data(data);
    request.set_expected_name(expected);
    return request;
  }
  grpc::Status Download(const std::string& name, std::string* bytes) {
    const auto stub = pb::ArtifactService::NewStub(channel_);
    grpc::ClientContext context;
    pb::DownloadArtifactRequest request;
    request.set_name(name);
    const auto reader = stub->DownloadArtifact(&context, request);
    pb::DownloadArtifactResponse response;
    while (reader->Read(&response)) *bytes += response.data();
    return reader->Finish();
  }

  // Whether this process has a file of the artifact open.
  bool HasOpenFile() const {
    const std::string digest =
        artifact_.name().substr(std::string("artifacts/").size());
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/self/fd")) {
      const std::filesystem::path file = read_symlink(entry.path(), error);
      if (file.parent_path().filename().string() + file.filename().string() ==
          digest) {
        return true;
      }
    }
    return false;
  }

  pb::Artifact artifact_;
};

TEST_F(ArtifactsHandlerTest, WhatIsUploadedInPiecesIsDownloadedWhole) {
  const std::string large(200 << 10, 'x');
  const std::string whole = "first," + large + large;
  ASSERT_TRUE(
      Upload({Piece("first,"), Piece(large), Piece(large)}, &artifact_).ok());
  EXPECT_EQ(artifact_.name(), "artifacts/" + Sha256Hex(whole));
  std::string bytes;
  ASSERT_TRUE(Download(artifact_.name(), &bytes).ok());
  EXPECT_EQ(bytes, whole);
  pb::GetArtifactRequest request;
  request.set_name(artifact_.name());
  pb::Artifact found;
  ASSERT_TRUE(Call<pb::ArtifactService>(&pb::ArtifactService::Stub::GetArtifact,
                                        request, &found)
                  .ok());
  EXPECT_EQ(found.size_bytes(), static_cast<int64_t>(whole.size()));
  EXPECT_FALSE(found.referenced());
}

// Each open file is a descriptor, of which a process has few.
TEST_F(ArtifactsHandlerTest, ADownloadThatNobodyReadsHoldsNoFileOpen) {
  const std::string whole(8 << 20, 'x');
  std::vector<pb::UploadArtifactRequest> pieces;
  for (int i = 0; i < 32; ++i) {
    pieces.push_back(Piece(whole.substr(0, 256 << 10)));
  }
  ASSERT_TRUE(Upload(pieces, &artifact_).ok());
  const auto stub = pb::ArtifactService::NewStub(channel_);
  grpc::ClientContext context;
  pb::DownloadArtifactRequest request;
  request.set_name(artifact_.name());
  const auto reader = stub->DownloadArtifact(&context, request);
  pb::DownloadArtifactResponse response;
  ASSERT_TRUE(reader->Read(&response));
  std::string bytes = response.data();
  // The server reads on for as long as the connection takes more.
  const absl::Time end = absl::Now() + absl::Seconds(10);
  while (HasOpenFile() && absl::Now() < end) std::this_thread::yield();
  EXPECT_FALSE(HasOpenFile());
  while (reader->Read(&response)) bytes += response.data();
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(bytes, whole);
}

TEST_F(ArtifactsHandlerTest, BytesThatAreNotThoseExpectedAreRefused) {
  const std::string other = "artifacts/" + Sha256Hex("other");
  EXPECT_EQ(ReasonOf(Upload({Piece("bytes", other)}, &artifact_)),
            "ARTIFACT_MISMATCH");
}

TEST_F(ArtifactsHandlerTest, TheExpectedNameBelongsToTheFirstMessage) {
  const std::string name = "artifacts/" + Sha256Hex("ab");
  EXPECT_EQ(ReasonOf(Upload({Piece("a"), Piece("b", name)}, &artifact_)),
            "INVALID_FIELD");
  EXPECT_EQ(ReasonOf(Upload({}, &artifact_)), "INVALID_FIELD");
}

TEST_F(ArtifactsHandlerTest, AnArtifactThatIsNotThereIsNotFound) {
  std::string bytes;
  EXPECT_EQ(ReasonOf(Download("artifacts/" + Sha256Hex("none"), &bytes)),
            "ARTIFACT_NOT_FOUND");
}

}  // namespace
}  // namespace sheaf::server
