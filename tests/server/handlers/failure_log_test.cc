#include "server/handlers/failure_log.h"

#include <fstream>

#include "server/wire/guarded_messages.h"
#include "sheaf/v1/admin_service.grpc.pb.h"
#include "sheaf/v1/artifact_service.grpc.pb.h"
#include "sheaf/v1/job_service.grpc.pb.h"
#include "tests/server/handlers/running_server.h"

namespace sheaf::server {
namespace {

namespace pb = ::sheaf::v1;

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kFailed[] = "calls: a call failed";

class FailureLogTest : public RunningServer {
 protected:
  grpc::Status Get(const std::string& job) {
    pb::GetJobRequest request;
    request.set_name(job);
    pb::Job response;
    return Call<pb::JobService>(&pb::JobService::Stub::GetJob, request,
                                &response);
  }
  // Uploads `bytes`; answers the artifact's name.
  std::string Upload(const std::string& bytes) {
    const auto stub = pb::ArtifactService::NewStub(channel_);
    grpc::ClientContext context;
    pb::Artifact artifact;
    const auto writer = stub->UploadArtifact(&context, &artifact);
    pb::UploadArtifactRequest request;
    request.set_data(bytes);
    writer->Write(request);
    writer->WritesDone();
    EXPECT_TRUE(writer->Finish().ok());
    return artifact.name();
  }
  grpc::Status Download(const std::string& name) {
    const auto stub = pb::ArtifactService::NewStub(channel_);
    grpc::ClientContext context;
    pb::DownloadArtifactRequest request;
    request.set_name(name);
    const auto reader = stub->DownloadArtifact(&context, request);
    pb::DownloadArtifactResponse response;
    while (reader->Read(&response)) {
    }
    return reader->Finish();
  }
};

TEST_F(FailureLogTest, ABackupThatFailsIsLoggedWithItsCause) {
  // A file is where the folder of backups would be.
  std::ofstream(config_.backup_dir) << "no folder";
  Start();
  pb::BackupRequest request;
  request.set_file_name("night.db");
  pb::BackupResponse response;
  const grpc::Status status = Call<pb::AdminService>(
      &pb::AdminService::Stub::Backup, request, &response);
  ASSERT_EQ(ReasonOf(status), "BACKUP_FAILED") << status.error_message();
  EXPECT_THAT(log_->With(kFailed),
              ElementsAre(AllOf(
                  HasSubstr(" error calls: "),
                  HasSubstr("method=AdminService/Backup code=INTERNAL "
                            "reason=BACKUP_FAILED caller=ipv4:127.0.0.1:"),
                  HasSubstr("night.db"))));
}

TEST_F(FailureLogTest, ADamagedArtifactIsLoggedWithItsName) {
  Start();
  const std::string name = Upload("an artifact of many bytes");
  const std::string digest = name.substr(name.rfind('/') + 1);
  int damaged = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(config_.data_dir)) {
    if (!entry.is_regular_file()) continue;
    if (entry.path().string().find(digest.substr(2)) == std::string::npos) {
      continue;
    }
    std::filesystem::permissions(entry.path(),
                                 std::filesystem::perms::owner_all);
    std::ofstream(entry.path(), std::ios::binary | std::ios::in) << "XX";
    ++damaged;
  }
  ASSERT_EQ(damaged, 1);
  const grpc::Status status = Download(name);
  ASSERT_EQ(ReasonOf(status), "ARTIFACT_CORRUPT") << status.error_message();
  EXPECT_THAT(log_->With(kFailed),
              ElementsAre(AllOf(HasSubstr(" error calls: "),
                                HasSubstr("method=ArtifactService/"
                                          "DownloadArtifact code=DATA_LOSS "
                                          "reason=ARTIFACT_CORRUPT"),
                                HasSubstr("name=" + name))));
}

TEST_F(FailureLogTest, MistakesOfCallersAreForThoseWhoDebug) {
  Start(spdlog::level::info);
  EXPECT_EQ(ReasonOf(Get("jobs/7")), "JOB_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Get("no job")), "INVALID_FIELD");
  EXPECT_THAT(log_->With(kFailed), IsEmpty());
}

TEST_F(FailureLogTest, AFailingCallIsLoggedOnceWithTheThingsItNames) {
  Start(spdlog::level::debug);
  EXPECT_EQ(ReasonOf(Get("jobs/7")), "JOB_NOT_FOUND");
  EXPECT_THAT(log_->With(kFailed),
              ElementsAre(AllOf(
                  HasSubstr(" debug calls: "),
                  HasSubstr("method=JobService/GetJob code=NOT_FOUND "
                            "reason=JOB_NOT_FOUND caller=ipv4:127.0.0.1:"),
                  HasSubstr(" name=jobs/7 error="))));
}

TEST_F(FailureLogTest, ANameWithinAPartOfTheRequestIsLogged) {
  Start(spdlog::level::debug);
  pb::SubmitJobRequest request;
  request.set_request_id("once");
  request.mutable_job()->set_queue("queues/no-such");
  request.mutable_job()->mutable_shared()->set_prompt("nobody may read this");
  pb::SubmitJobResponse response;
  const grpc::Status status = Call<pb::JobService>(
      &pb::JobService::Stub::SubmitJob, request, &response);
  ASSERT_EQ(ReasonOf(status), "QUEUE_NOT_FOUND");
  EXPECT_THAT(log_->With(kFailed),
              ElementsAre(AllOf(HasSubstr("request_id=once"),
                                HasSubstr("queue=queues/no-such"))));
  EXPECT_THAT(log_->With("nobody may read"), IsEmpty());
}

TEST_F(FailureLogTest, NobodyFillsTheLogByFailing) {
  Start(spdlog::level::debug);
  const absl::Time begin = absl::Now();
  constexpr int kCalls = 200;
  for (int i = 0; i < kCalls; ++i) Get("jobs/" + std::to_string(i + 1));
  const auto seconds =
      static_cast<size_t>(absl::ToInt64Seconds(absl::Now() - begin));
  EXPECT_LE(log_->With(kFailed).size(), seconds + 1);
  // Another kind is heard all the same.
  Get("no job");
  EXPECT_THAT(log_->With("reason=INVALID_FIELD"), SizeIs(1));
  // The next line says how many were left out.
  absl::SleepFor(absl::Seconds(1.1));
  Get("jobs/7");
  EXPECT_THAT(log_->With(kFailed).back(), HasSubstr(" left_out="));
}

TEST_F(FailureLogTest, AJobThatAStreamRefusesIsLogged) {
  Start(spdlog::level::debug);
  const auto stub = pb::JobService::NewStub(channel_);
  grpc::ClientContext context;
  const auto stream = stub->StreamJobs(&context);
  pb::SubmitJobRequest request;
  request.set_validate_only(true);
  request.mutable_job();
  stream->Write(request);
  stream->WritesDone();
  pb::StreamJobsResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.reason(), "INVALID_FIELD");
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_THAT(log_->With(kFailed),
              ElementsAre(AllOf(HasSubstr("method=JobService/StreamJobs"),
                                HasSubstr("reason=INVALID_FIELD"))));
}

}  // namespace
}  // namespace sheaf::server
