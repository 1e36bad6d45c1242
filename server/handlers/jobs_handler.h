// JobService on the wire. One file per family of calls: submit_jobs.cc,
// stream_jobs.cc, read_jobs.cc, change_jobs.cc, wait_job.cc, watch_events.cc.
#pragma once

#include "base/timer.h"
#include "server/handlers/calls.h"
#include "server/handlers/ready_job.h"
#include "server/scheduling/workers.h"
#include "server/telemetry/event_hub.h"
#include "server/use_cases/job_reader.h"
#include "server/wire/guarded_messages.h"
#include "sheaf/v1/job_service.grpc.pb.h"

namespace sheaf::server {

class JobsHandler final : public sheaf::v1::JobService::CallbackService {
 public:
  // The parts that it works with; all of them outlive the handler.
  struct Parts {
    const JobIntake* intake = nullptr;
    WorkerRegistry* workers = nullptr;  // is told to look for cancelled runs
    EventHub* events = nullptr;
    Timer* timer = nullptr;
    const JobReader* reader = nullptr;
  };
  // Not inline, here and in the other handlers: each file that makes or ends
  // one would compile all templates of the service.
  JobsHandler(const Calls& calls, Parts parts);
  ~JobsHandler() override;

  grpc::ServerUnaryReactor* SubmitJob(
      grpc::CallbackServerContext* context,
      const sheaf::v1::SubmitJobRequest* request,
      sheaf::v1::SubmitJobResponse* response) override;
  grpc::ServerUnaryReactor* SubmitJobs(
      grpc::CallbackServerContext* context,
      const sheaf::v1::SubmitJobsRequest* request,
      sheaf::v1::SubmitJobsResponse* response) override;
  grpc::ServerBidiReactor<sheaf::v1::SubmitJobRequest,
                          sheaf::v1::StreamJobsResponse>*
  StreamJobs(grpc::CallbackServerContext* context) override;

  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context,
                                   const sheaf::v1::GetJobRequest* request,
                                   sheaf::v1::Job* response) override;
  grpc::ServerUnaryReactor* ListJobs(
      grpc::CallbackServerContext* context,
      const sheaf::v1::ListJobsRequest* request,
      sheaf::v1::ListJobsResponse* response) override;
  grpc::ServerUnaryReactor* GetRun(grpc::CallbackServerContext* context,
                                   const sheaf::v1::GetRunRequest* request,
                                   sheaf::v1::Run* response) override;
  grpc::ServerUnaryReactor* ListRuns(
      grpc::CallbackServerContext* context,
      const sheaf::v1::ListRunsRequest* request,
      sheaf::v1::ListRunsResponse* response) override;
  grpc::ServerUnaryReactor* GetPreview(
      grpc::CallbackServerContext* context,
      const sheaf::v1::GetPreviewRequest* request,
      sheaf::v1::Preview* response) override;

  grpc::ServerUnaryReactor* CancelJob(
      grpc::CallbackServerContext* context,
      const sheaf::v1::CancelJobRequest* request,
      sheaf::v1::CancelJobResponse* response) override;
  grpc::ServerUnaryReactor* RetryJob(
      grpc::CallbackServerContext* context,
      const sheaf::v1::RetryJobRequest* request,
      sheaf::v1::RetryJobResponse* response) override;
  grpc::ServerUnaryReactor* UpdateJob(
      grpc::CallbackServerContext* context,
      const sheaf::v1::UpdateJobRequest* request,
      sheaf::v1::Job* response) override;
  grpc::ServerUnaryReactor* DeleteJob(
      grpc::CallbackServerContext* context,
      const sheaf::v1::DeleteJobRequest* request,
      sheaf::v1::DeleteJobResponse* response) override;

  grpc::ServerUnaryReactor* WaitJob(grpc::CallbackServerContext* context,
                                    const sheaf::v1::WaitJobRequest* request,
                                    sheaf::v1::Job* response) override;
  grpc::ServerWriteReactor<sheaf::v1::WatchEventsResponse>* WatchEvents(
      grpc::CallbackServerContext* context,
      const sheaf::v1::WatchEventsRequest* request) override;

 private:
  const Calls calls_;
  const Parts parts_;
};

}  // namespace sheaf::server
