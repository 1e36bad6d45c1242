#include "server/handlers/ready_job.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/queues.h"
#include "tests/queue/memory_store.h"
#include "tests/queue/stores.h"

namespace sheaf::server {
namespace {

namespace pb = ::sheaf::v1;

using ::testing::SizeIs;

class ReadyJobTest : public ::testing::Test {
 protected:
  static void AddJob(int runs, pb::SubmitJobsRequest* request) {
    pb::JobSpec* job = request->add_requests()->mutable_job();
    for (int i = 0; i < runs; ++i) job->add_runs()->set_prompt("a fox");
  }
  static std::string IndexOf(const absl::Status& status) {
    const auto metadata = MetadataOf(status);
    const auto found = metadata.find("requestIndex");
    return found == metadata.end() ? "none" : found->second;
  }

  ByteBudget bytes_{1 << 20, 1 << 20};
  WorkerRegistry workers_;
  const JobIntake intake_{&bytes_, &workers_,
                          SubmitLimits{.job_bytes_max = 4096}, 512 * 512};
};

TEST_F(ReadyJobTest, AJobThatIsReadyHoldsItsMemoryUntilItIsGone) {
  pb::SubmitJobRequest request;
  request.mutable_job()->mutable_shared()->set_prompt(
      std::string(300 << 10, 'x'));
  const JobIntake large(&bytes_, &workers_, SubmitLimits(), 0);
  auto first = large.MakeReady(request);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(ReasonOf(large.MakeReady(request).status()), Reason::kOverloaded);
  first->reset();
  EXPECT_TRUE(large.MakeReady(request).ok());
}

TEST_F(ReadyJobTest, APictureThatIsTooLargeIsRefused) {
  pb::SubmitJobRequest request;
  request.mutable_job()->mutable_shared()->set_width(1024);
  request.mutable_job()->mutable_shared()->set_height(1024);
  EXPECT_EQ(ReasonOf(intake_.MakeReady(request).status()),
            Reason::kInvalidField);
}

TEST_F(ReadyJobTest, AFaultOfABulkSubmitNamesItsJob) {
  pb::SubmitJobsRequest request;
  AddJob(1, &request);
  AddJob(1, &request);
  request.mutable_requests(1)->mutable_job()->mutable_shared()->set_width(4096);
  request.mutable_requests(1)->mutable_job()->mutable_shared()->set_height(
      4096);
  const absl::Status status = intake_.MakeReady(request).status();
  EXPECT_EQ(IndexOf(status), "1");
  ASSERT_THAT(ViolationsOf(status), SizeIs(1));
  EXPECT_EQ(ViolationsOf(status)[0].field.rfind("requests[1].", 0), 0);
}

TEST_F(ReadyJobTest, TheJobsOfABulkSubmitHaveTheirBytesTogether) {
  pb::SubmitJobsRequest request;
  for (int i = 0; i < 3; ++i) {
    AddJob(1, &request);
    request.mutable_requests(i)->mutable_job()->mutable_shared()->set_prompt(
        std::string(2000, 'x'));
  }
  EXPECT_EQ(ReasonOf(intake_.MakeReady(request).status()),
            Reason::kJobTooLarge);
  request.mutable_requests()->RemoveLast();
  request.mutable_requests()->RemoveLast();
  EXPECT_TRUE(intake_.MakeReady(request).ok());
}

TEST_F(ReadyJobTest, ABulkSubmitIsNoRehearsal) {
  pb::SubmitJobsRequest request;
  AddJob(1, &request);
  request.mutable_requests(0)->set_validate_only(true);
  const Violations violations =
      ViolationsOf(intake_.MakeReady(request).status());
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_EQ(violations[0].field, "requests[0].validate_only");
}

TEST_F(ReadyJobTest, AllJobsOfABulkSubmitAreStoredOrNone) {
  pb::SubmitJobsRequest request;
  AddJob(2, &request);
  AddJob(3, &request);
  TestClock clock;
  MemoryStore store(&clock);
  Write(store, [](Tx& tx) {
    EnsureDefaultQueue(tx);
    return true;
  });
  const auto submit = [&] {
    return Write(store, [&](Tx& tx) {
      return SubmitAll(tx, intake_.MakeReady(request).value(), {});
    });
  };
  ASSERT_THAT(submit().value(), SizeIs(2));
  request.mutable_requests(1)->mutable_job()->set_queue("queues/no-such");
  const absl::Status refused = submit().status();
  EXPECT_EQ(ReasonOf(refused), Reason::kQueueNotFound);
  EXPECT_EQ(IndexOf(refused), "1");
  EXPECT_EQ(Read(store, [](View& view) { return view.Counts().jobs; }), 2);
}

}  // namespace
}  // namespace sheaf::server
