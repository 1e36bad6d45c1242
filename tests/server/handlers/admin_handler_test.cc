// AdminService, called as operators call it.
#include "server/handlers/admin_handler.h"

#include "base/version.h"
#include "tests/server/handlers/running_server.h"

namespace sheaf::server {
namespace {

namespace pb = ::sheaf::v1;

using ::testing::HasSubstr;
using ::testing::SizeIs;
using Stub = pb::AdminService::Stub;

class AdminHandlerTest : public RunningServer {
 protected:
  template <class Method, class Request, class Response>
  grpc::Status Ask(Method method, const Request& request, Response* response) {
    return Call<pb::AdminService>(method, request, response);
  }
};

TEST_F(AdminHandlerTest, TheServerSaysWhatItIsAndWhenItWasBackedUp) {
  Start();
  pb::ServerInfo info;
  ASSERT_TRUE(
      Ask(&Stub::GetServerInfo, pb::GetServerInfoRequest(), &info).ok());
  EXPECT_EQ(info.version(), kVersion);
  EXPECT_EQ(info.data_directory(), config_.data_dir);
  EXPECT_TRUE(info.writable());
  EXPECT_EQ(info.problems_size(), 0);
  EXPECT_GT(info.disk_free_bytes(), 0);
  EXPECT_GT(info.database_bytes(), 0);
  EXPECT_FALSE(info.has_last_backup_time());
  pb::BackupRequest backup;
  backup.set_file_name("night.db");
  pb::BackupResponse made;
  ASSERT_TRUE(Ask(&Stub::Backup, backup, &made).ok());
  EXPECT_EQ(made.path(), config_.backup_dir + "/night.db");
  EXPECT_THAT(made.sha256(), SizeIs(64));
  EXPECT_EQ(ReasonOf(Ask(&Stub::Backup, backup, &made)), "BACKUP_EXISTS");
  ASSERT_TRUE(
      Ask(&Stub::GetServerInfo, pb::GetServerInfoRequest(), &info).ok());
  EXPECT_TRUE(info.has_last_backup_time());
}

TEST_F(AdminHandlerTest, ASoundDatabaseHasNoProblems) {
  Start();
  pb::CheckIntegrityRequest request;
  request.set_full(true);
  pb::CheckIntegrityResponse response;
  ASSERT_TRUE(Ask(&Stub::CheckIntegrity, request, &response).ok());
  EXPECT_TRUE(response.ok());
  EXPECT_EQ(response.problems_size(), 0);
}

TEST_F(AdminHandlerTest, AWorkerThatIsNotHereTakesNoOrders) {
  Start();
  pb::DrainWorkerRequest drain;
  drain.set_name("workers/9");
  pb::CalibrateWorkerRequest calibrate;
  calibrate.set_name("workers/9");
  pb::Worker worker;
  EXPECT_EQ(ReasonOf(Ask(&Stub::DrainWorker, drain, &worker)),
            "WORKER_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Ask(&Stub::CalibrateWorker, calibrate, &worker)),
            "WORKER_NOT_FOUND");
  pb::ListWorkersResponse list;
  ASSERT_TRUE(Ask(&Stub::ListWorkers, pb::ListWorkersRequest(), &list).ok());
  EXPECT_EQ(list.workers_size(), 0);
}

TEST_F(AdminHandlerTest, StatisticsHaveTheConfigurationButNotItsSecrets) {
  config_.worker_args = {"--token=secret"};
  Start();
  pb::Stats stats;
  ASSERT_TRUE(Ask(&Stub::GetStats, pb::GetStatsRequest(), &stats).ok());
  EXPECT_EQ(stats.queues_size(), 1);
  EXPECT_GT(stats.config_size(), 20);
  EXPECT_TRUE(stats.has_start_time());
  EXPECT_EQ(stats.DebugString().find("--token=secret"), std::string::npos);
  pb::GetStatsRequest request;
  request.set_queue("queues/no-such");
  EXPECT_EQ(ReasonOf(Ask(&Stub::GetStats, request, &stats)), "QUEUE_NOT_FOUND");
}

TEST_F(AdminHandlerTest, WhoAcceptsTheClockIsInTheLog) {
  Start();
  pb::AcceptClockResponse response;
  ASSERT_TRUE(
      Ask(&Stub::AcceptClock, pb::AcceptClockRequest(), &response).ok());
  ASSERT_THAT(log_->With("accepts the system clock"), SizeIs(1));
  EXPECT_THAT(log_->With("accepts the system clock")[0],
              HasSubstr("caller=ipv4:127.0.0.1:"));
}

TEST_F(AdminHandlerTest, OneAddressMayAskForSoManyChangesASecond) {
  config_.changes_per_second = 1;
  Start();
  pb::DrainWorkerRequest drain;
  drain.set_name("workers/9");
  pb::Worker worker;
  int refused = 0;
  for (int i = 0; i < 100; ++i) {
    refused +=
        ReasonOf(Ask(&Stub::DrainWorker, drain, &worker)) == "OVERLOADED";
  }
  EXPECT_GT(refused, 50);
}

}  // namespace
}  // namespace sheaf::server
