#include "bench/echo_server.h"

#include <grpcpp/grpcpp.h>

#include <cstdio>

#include "sheaf/v1/job_service.grpc.pb.h"

namespace sheaf::bench {
namespace {

namespace pb = ::sheaf::v1;

class EchoService final : public pb::JobService::CallbackService {
 public:
  grpc::ServerUnaryReactor* SubmitJob(
      grpc::CallbackServerContext* context, const pb::SubmitJobRequest* request,
      pb::SubmitJobResponse* response) override {
    pb::Job& job = *response->mutable_job();
    job.set_name("jobs/1000000");
    job.set_queue(request->job().queue());
    job.set_owner(request->job().owner());
    job.set_kind("inference");
    job.set_request_id(request->request_id());
    job.set_state(pb::JOB_STATE_QUEUED);
    job.set_run_count(request->job().runs_size());
    job.mutable_run_counts()->set_queued(request->job().runs_size());
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

}  // namespace

int RunEchoServer(const std::string& address) {
  EchoService service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    std::fprintf(stderr, "cannot listen at %s\n", address.c_str());
    return 1;
  }
  server->Wait();
  return 0;
}

}  // namespace sheaf::bench
