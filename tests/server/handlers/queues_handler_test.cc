// QueueService, called as clients call it.
#include "server/handlers/queues_handler.h"

#include "sheaf/v1/job_service.grpc.pb.h"
#include "tests/server/handlers/running_server.h"

namespace sheaf::server {
namespace {

namespace pb = ::sheaf::v1;

using Stub = pb::QueueService::Stub;

class QueuesHandlerTest : public RunningServer {
 protected:
  QueuesHandlerTest() { Start(); }

  template <class Method, class Request, class Response>
  grpc::Status Ask(Method method, Request request, Response* response) {
    request.set_name("queues/night");
    return Call<pb::QueueService>(method, request, response);
  }
  pb::Queue Create() {
    pb::Queue queue;
    EXPECT_TRUE(Ask(&Stub::CreateQueue, pb::CreateQueueRequest(), &queue).ok());
    return queue;
  }
  void Submit(int runs) {
    pb::SubmitJobRequest request;
    request.mutable_job()->set_queue("queues/night");
    for (int i = 0; i < runs; ++i) {
      request.mutable_job()->add_runs()->set_prompt("a fox");
    }
    pb::SubmitJobResponse response;
    EXPECT_TRUE(Call<pb::JobService>(&pb::JobService::Stub::SubmitJob, request,
                                     &response)
                    .ok());
  }

  pb::Queue queue_;
};

TEST_F(QueuesHandlerTest, AQueueIsMadeOnceAndListed) {
  EXPECT_EQ(Create().name(), "queues/night");
  EXPECT_EQ(
      ReasonOf(Ask(&Stub::CreateQueue, pb::CreateQueueRequest(), &queue_)),
      "QUEUE_EXISTS");
  pb::ListQueuesResponse list;
  ASSERT_TRUE(
      Call<pb::QueueService>(&Stub::ListQueues, pb::ListQueuesRequest(), &list)
          .ok());
  EXPECT_EQ(list.queues_size(), 2);  // and queues/default
}

TEST_F(QueuesHandlerTest, AQueueIsPausedAndResumed) {
  Create();
  pb::PauseQueueRequest pause;
  pause.set_reason("repairs");
  pause.set_actor("ann");
  ASSERT_TRUE(Ask(&Stub::PauseQueue, pause, &queue_).ok());
  EXPECT_EQ(queue_.state(), pb::QUEUE_STATE_PAUSED);
  EXPECT_EQ(queue_.reason(), "repairs");
  ASSERT_TRUE(Ask(&Stub::ResumeQueue, pb::ResumeQueueRequest(), &queue_).ok());
  EXPECT_EQ(queue_.state(), pb::QUEUE_STATE_ACTIVE);
  EXPECT_EQ(
      ReasonOf(Ask(&Stub::ResumeQueue, pb::ResumeQueueRequest(), &queue_)),
      "QUEUE_NOT_PAUSED");
}

TEST_F(QueuesHandlerTest, ADrainingQueueTakesNoJobs) {
  Create();
  ASSERT_TRUE(Ask(&Stub::DrainQueue, pb::DrainQueueRequest(), &queue_).ok());
  EXPECT_EQ(queue_.state(), pb::QUEUE_STATE_DRAINING);
}

TEST_F(QueuesHandlerTest, APurgeCountsFirstAndThenEndsWhatWaits) {
  Create();
  Submit(3);
  pb::PurgeQueueRequest purge;
  purge.set_validate_only(true);
  pb::PurgeQueueResponse purged;
  ASSERT_TRUE(Ask(&Stub::PurgeQueue, purge, &purged).ok());
  EXPECT_EQ(purged.run_count(), 3);
  purge.set_validate_only(false);
  ASSERT_TRUE(Ask(&Stub::PurgeQueue, purge, &purged).ok());
  EXPECT_EQ(purged.run_count(), 3);
  ASSERT_TRUE(Ask(&Stub::GetQueue, pb::GetQueueRequest(), &queue_).ok());
  EXPECT_EQ(queue_.queued_run_count(), 0);
}

TEST_F(QueuesHandlerTest, AQueueThatHoldsRunsIsNotDeleted) {
  Create();
  Submit(1);
  pb::DeleteQueueResponse nothing;
  EXPECT_EQ(
      ReasonOf(Ask(&Stub::DeleteQueue, pb::DeleteQueueRequest(), &nothing)),
      "QUEUE_NOT_EMPTY");
  pb::PurgeQueueResponse purged;
  ASSERT_TRUE(Ask(&Stub::PurgeQueue, pb::PurgeQueueRequest(), &purged).ok());
  EXPECT_TRUE(Ask(&Stub::DeleteQueue, pb::DeleteQueueRequest(), &nothing).ok());
  EXPECT_EQ(ReasonOf(Ask(&Stub::GetQueue, pb::GetQueueRequest(), &queue_)),
            "QUEUE_NOT_FOUND");
}

TEST_F(QueuesHandlerTest, AnOldEtagChangesNothing) {
  const pb::Queue created = Create();
  pb::UpdateQueueRequest update;
  update.mutable_settings()->set_batch_size(7);
  update.mutable_update_mask()->add_paths("batch_size");
  update.set_etag(created.etag());
  ASSERT_TRUE(Ask(&Stub::UpdateQueue, update, &queue_).ok());
  EXPECT_EQ(queue_.settings().batch_size(), 7);
  EXPECT_EQ(ReasonOf(Ask(&Stub::UpdateQueue, update, &queue_)),
            "ETAG_MISMATCH");
}

}  // namespace
}  // namespace sheaf::server
