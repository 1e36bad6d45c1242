#include "server/wire/admin_answers.h"

#include <string>
#include <vector>

#include "base/version.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

Batch HeldBy(int64_t worker, int64_t id) {
  Batch batch;
  batch.id = BatchId{id};
  batch.worker = WorkerId{worker};
  return batch;
}

TEST(AdminAnswersTest, AWorkerShowsTheBatchesThatItHolds) {
  WorkerInfo worker;
  worker.lessee.id = WorkerId{3};
  worker.lessee.queues = {"night"};
  worker.devices = {{"gpu", "a card", 1000}};
  worker.secret = "a secret";
  worker.engine_time = absl::Seconds(9);
  pb::Worker out;
  ToProto(worker, {HeldBy(3, 7), HeldBy(4, 8), HeldBy(3, 9)}, &out);
  EXPECT_EQ(out.name(), "workers/3");
  EXPECT_THAT(out.queues(), ElementsAre("queues/night"));
  EXPECT_EQ(out.devices(0).memory_bytes(), 1000);
  EXPECT_EQ(FromProto(out.engine_time()), absl::Seconds(9));
  EXPECT_THAT(out.batches(), ElementsAre("batches/7", "batches/9"));
  EXPECT_THAT(out.SerializeAsString(),
              ::testing::Not(::testing::HasSubstr("a secret")));
}

TEST(AdminAnswersTest, AWorkerIsInOneOfFourStates) {
  WorkerInfo worker;
  worker.lessee.id = WorkerId{3};
  const auto state = [&](const std::vector<Batch>& batches) {
    pb::Worker out;
    ToProto(worker, batches, &out);
    return out.state();
  };
  EXPECT_EQ(state({}), pb::WORKER_STATE_IDLE);
  EXPECT_EQ(state({HeldBy(4, 8)}), pb::WORKER_STATE_IDLE);
  EXPECT_EQ(state({HeldBy(3, 7)}), pb::WORKER_STATE_BUSY);
  worker.draining = true;
  EXPECT_EQ(state({HeldBy(3, 7)}), pb::WORKER_STATE_DRAINING);
  worker.attached = false;
  EXPECT_EQ(state({HeldBy(3, 7)}), pb::WORKER_STATE_LOST);
}

TEST(AdminAnswersTest, ADatabaseWithoutProblemsIsOk) {
  pb::CheckIntegrityResponse good;
  ToProto(std::vector<std::string>(), &good);
  EXPECT_TRUE(good.ok());
  pb::CheckIntegrityResponse bad;
  ToProto(std::vector<std::string>{"a page is torn"}, &bad);
  EXPECT_FALSE(bad.ok());
  EXPECT_THAT(bad.problems(), ElementsAre("a page is torn"));
}

TEST(AdminAnswersTest, ABackupIsNamedWithItsSum) {
  pb::BackupResponse out;
  ToProto(BackupInfo{.path = "/b/one.db",
                     .size_bytes = 7,
                     .sha256 = "ab12",
                     .job_count = 3,
                     .last_event_sequence = 9},
          &out);
  EXPECT_EQ(out.path(), "/b/one.db");
  EXPECT_EQ(out.size_bytes(), 7);
  EXPECT_EQ(out.sha256(), "ab12");
  EXPECT_EQ(out.job_count(), 3);
  EXPECT_EQ(out.last_event_sequence(), 9);
}

TEST(AdminAnswersTest, AServerThatWasNeverBackedUpNamesNoTime) {
  ServerState state{.start_time = kNow, .now = kNow};
  pb::ServerInfo never;
  ToProto(state, &never);
  EXPECT_FALSE(never.has_last_backup_time());
  state.last_backup_time = kNow;
  pb::ServerInfo once;
  ToProto(state, &once);
  EXPECT_EQ(FromProto(once.last_backup_time()), kNow);
}

TEST(AdminAnswersTest, TheStateAndTheContentsFillOneAnswer) {
  pb::ServerInfo out;
  ToProto(ServerState{.start_time = kNow,
                      .now = kNow + absl::Seconds(5),
                      .data_directory = "/data",
                      .store = {.engine = "sqlite",
                                .engine_version = "3.40.1",
                                .schema_version = 12,
                                .database_bytes = 100,
                                .wal_bytes = 20},
                      .disk_free_bytes = 1000,
                      .writable = false,
                      .boot_check = "ok",
                      .problems = {"the disk is full"},
                      .notes = {"a note"},
                      .lease_duration = absl::Seconds(30)},
          &out);
  ToProto(StoreContents{.counts = {.artifacts = 2, .artifact_bytes = 50},
                        .last_sequence = 9},
          &out);
  EXPECT_EQ(out.version(), kVersion);
  EXPECT_EQ(FromProto(out.now()), kNow + absl::Seconds(5));
  EXPECT_EQ(out.data_directory(), "/data");
  EXPECT_EQ(out.sqlite_version(), "3.40.1");
  EXPECT_EQ(out.schema_version(), 12);
  EXPECT_EQ(out.database_bytes(), 100);
  EXPECT_EQ(out.wal_bytes(), 20);
  EXPECT_EQ(out.disk_free_bytes(), 1000);
  EXPECT_FALSE(out.writable());
  EXPECT_EQ(out.boot_check(), "ok");
  EXPECT_THAT(out.problems(), ElementsAre("the disk is full"));
  EXPECT_THAT(out.notes(), ElementsAre("a note"));
  EXPECT_EQ(FromProto(out.lease_duration()), absl::Seconds(30));
  EXPECT_EQ(out.artifact_count(), 2);
  EXPECT_EQ(out.artifact_bytes(), 50);
  EXPECT_EQ(out.last_event_sequence(), 9);
}

TEST(AdminAnswersTest, AnOwnerThatWasGivenNothingHasATimeOfZero) {
  StatsFacts facts;
  facts.now = kNow;
  facts.knee = 4;
  facts.owners = {{.owner = "ann", .queued = 1, .running = 2},
                  {.owner = "bob"}};
  facts.given = {{"ann", absl::Seconds(9)}};
  pb::Stats out;
  ToProto(facts, &out);
  EXPECT_EQ(out.knee(), 4);
  EXPECT_THAT(out.memory(), IsEmpty());
  ASSERT_THAT(out.owners(), SizeIs(2));
  EXPECT_EQ(out.owners(0).owner(), "ann");
  EXPECT_EQ(out.owners(0).queued_run_count(), 1);
  EXPECT_EQ(out.owners(0).running_run_count(), 2);
  EXPECT_EQ(FromProto(out.owners(0).predicted_time()), absl::Seconds(9));
  EXPECT_TRUE(out.owners(1).has_predicted_time());
  EXPECT_EQ(FromProto(out.owners(1).predicted_time()), absl::ZeroDuration());
}

}  // namespace
}  // namespace sheaf::server
