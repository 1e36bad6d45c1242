// Submits as operations of a load: one call each, many in one call, or over a
// stream that several slots share.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "bench/client.h"
#include "bench/load.h"
#include "bench/payload.h"

namespace sheaf::bench {

// SubmitJob, answered when the job is on disk.
class UnarySubmit final : public Operation {
 public:
  UnarySubmit(Client::Connection* connection, int runs)
      : stub_(connection->jobs.get()), request_(MakeSubmit(runs)) {}
  void Start(Done done) override;

 private:
  pb::JobService::Stub* const stub_;
  pb::SubmitJobRequest request_;
  pb::SubmitJobResponse response_;
  std::optional<grpc::ClientContext> context_;
  Done done_;
};

// SubmitJobs: `jobs` jobs in one call, all or none.
class BulkSubmit final : public Operation {
 public:
  BulkSubmit(Client::Connection* connection, int jobs, int runs);
  void Start(Done done) override;

 private:
  pb::JobService::Stub* const stub_;
  pb::SubmitJobsRequest request_;
  pb::SubmitJobsResponse response_;
  std::optional<grpc::ClientContext> context_;
  Done done_;
};

// One StreamJobs call, for as long as it lives. Any thread; must be idle when
// it is destroyed.
class JobStream final
    : private grpc::ClientBidiReactor<pb::SubmitJobRequest,
                                      pb::StreamJobsResponse> {
 public:
  explicit JobStream(Client::Connection* connection);
  ~JobStream();
  // `request` must stay as it is until `done`.
  void Submit(const pb::SubmitJobRequest* request, Operation::Done done);

 private:
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  grpc::ClientContext context_;
  pb::StreamJobsResponse response_;
  absl::Notification over_;
  absl::Mutex mutex_;
  std::deque<const pb::SubmitJobRequest*> to_write_ ABSL_GUARDED_BY(mutex_);
  std::deque<Operation::Done> waiting_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
};

class StreamSubmit final : public Operation {
 public:
  StreamSubmit(std::shared_ptr<JobStream> stream, int runs)
      : stream_(std::move(stream)), request_(MakeSubmit(runs)) {}
  void Start(Done done) override;

 private:
  const std::shared_ptr<JobStream> stream_;
  pb::SubmitJobRequest request_;
};

// One operation for each of `slots`, spread over the client's connections.
Operations UnarySubmits(Client* client, int slots, int runs);
Operations BulkSubmits(Client* client, int slots, int jobs, int runs);
Operations StreamSubmits(Client* client, int slots, int streams, int runs);

}  // namespace sheaf::bench
