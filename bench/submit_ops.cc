#include "bench/submit_ops.h"

#include <utility>

namespace sheaf::bench {

void UnarySubmit::Start(Done done) {
  done_ = std::move(done);
  request_.set_request_id(NewRequestId());
  SetDeadline(&context_.emplace());
  stub_->async()->SubmitJob(
      &*context_, &request_, &response_, [this](grpc::Status status) {
        const bool ok = status.ok() && !response_.replayed();
        if (!ok) Blame("SubmitJob: " + status.error_message());
        Done(std::move(done_))(ok);
      });
}

BulkSubmit::BulkSubmit(Client::Connection* connection, int jobs, int runs)
    : stub_(connection->jobs.get()) {
  for (int i = 0; i < jobs; ++i) *request_.add_requests() = MakeSubmit(runs);
}

void BulkSubmit::Start(Done done) {
  done_ = std::move(done);
  for (pb::SubmitJobRequest& request : *request_.mutable_requests()) {
    request.set_request_id(NewRequestId());
  }
  SetDeadline(&context_.emplace());
  stub_->async()->SubmitJobs(
      &*context_, &request_, &response_, [this](grpc::Status status) {
        const bool all = response_.responses_size() == request_.requests_size();
        if (!all) Blame("SubmitJobs: " + status.error_message());
        Done(std::move(done_))(status.ok() && all);
      });
}

JobStream::JobStream(Client::Connection* connection) {
  SetDeadline(&context_, absl::Hours(1));
  connection->jobs->async()->StreamJobs(&context_, this);
  AddHold();  // for the writes, which begin outside the reactor
  StartRead(&response_);
  StartCall();
}

JobStream::~JobStream() {
  {
    absl::MutexLock lock(&mutex_);
    if (!broken_) StartWritesDone();
  }
  RemoveHold();
  if (over_.WaitForNotificationWithTimeout(absl::Seconds(5))) return;
  context_.TryCancel();
  over_.WaitForNotification();
}

void JobStream::Submit(const pb::SubmitJobRequest* request,
                       Operation::Done done) {
  {
    absl::MutexLock lock(&mutex_);
    if (!broken_) {
      to_write_.push_back(request);
      waiting_.push_back(std::move(done));
      return WriteNext();
    }
  }
  done(false);
}

void JobStream::WriteNext() {
  if (writing_ || broken_ || to_write_.empty()) return;
  writing_ = true;
  const pb::SubmitJobRequest* request = to_write_.front();
  to_write_.pop_front();
  grpc::WriteOptions options;
  // More is waiting: let it share a packet.
  if (!to_write_.empty()) options.set_buffer_hint();
  StartWrite(request, options);
}

void JobStream::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  writing_ = false;
  if (ok) WriteNext();
}

void JobStream::OnReadDone(bool ok) {
  std::deque<Operation::Done> answered;
  const bool stored = ok && response_.code() == 0 && !response_.replayed();
  {
    absl::MutexLock lock(&mutex_);
    if (!ok) {
      broken_ = true;
      answered.swap(waiting_);
    } else {
      answered.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
  }
  if (ok) StartRead(&response_);
  for (Operation::Done& done : answered) done(stored);
}

void JobStream::OnDone(const grpc::Status&) { over_.Notify(); }

void StreamSubmit::Start(Done done) {
  request_.set_request_id(NewRequestId());
  stream_->Submit(&request_, std::move(done));
}

Operations UnarySubmits(Client* client, int slots, int runs) {
  Operations operations;
  for (int i = 0; i < slots; ++i) {
    operations.push_back(std::make_unique<UnarySubmit>(&client->of(i), runs));
  }
  return operations;
}

Operations BulkSubmits(Client* client, int slots, int jobs, int runs) {
  Operations operations;
  for (int i = 0; i < slots; ++i) {
    operations.push_back(
        std::make_unique<BulkSubmit>(&client->of(i), jobs, runs));
  }
  return operations;
}

Operations StreamSubmits(Client* client, int slots, int streams, int runs) {
  std::vector<std::shared_ptr<JobStream>> open;
  for (int i = 0; i < streams; ++i) {
    open.push_back(std::make_shared<JobStream>(&client->of(i)));
  }
  Operations operations;
  for (int i = 0; i < slots; ++i) {
    operations.push_back(
        std::make_unique<StreamSubmit>(open[i % streams], runs));
  }
  return operations;
}

}  // namespace sheaf::bench
