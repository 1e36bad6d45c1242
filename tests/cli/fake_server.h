// A Sheaf server in miniature, in this process: it keeps enough state for the
// command line to talk to, and records the requests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sheaf/v1/admin_service.pb.h"
#include "sheaf/v1/job_service.pb.h"
#include "sheaf/v1/queue_service.pb.h"

namespace sheaf::cli {

class FakeBatching;
class FakeQueues;

class FakeServer {
 public:
  FakeServer();
  ~FakeServer();

  // "127.0.0.1:PORT".
  const std::string& address() const { return address_; }

  FakeBatching& batching();
  FakeQueues& queues();

  // The state of a submitted job by the time it is asked for.
  void SetOutcome(v1::JobState outcome);
  // The next `count` calls of GetJob answer UNAVAILABLE.
  void FailGetJob(int count);
  // The outputs of runs; uploads are kept too, by their name.
  std::string PutArtifact(const std::string& bytes);
  void SetOutputs(const std::vector<v1::Output>& outputs);
  // Sends bytes that do not match the name.
  void CorruptArtifacts();
  // The events so far. Streams of them stay open until the client leaves.
  void SetEvents(const std::vector<v1::Event>& events);
  // The workers that are connected; none at first.
  void SetWorkers(const std::vector<v1::Worker>& workers);
  // The names of the jobs that ListJobs lists; five others at first.
  void SetJobs(const std::vector<std::string>& names);
  // The runs that GetJob shows.
  void SetRuns(const std::vector<v1::Run>& runs);
  // The next `count` calls of GetStats answer; the one after fails.
  void LimitStats(int count);

  v1::SubmitJobRequest last_submit() const;
  v1::CancelJobRequest last_cancel() const;
  v1::UpdateQueueRequest last_queue_update() const;
  v1::UpdateJobRequest last_job_update() const;
  v1::GetStatsRequest last_stats() const;
  std::vector<std::string> measured_workers() const;
  int get_job_calls() const;
  std::vector<std::string> uploads() const;
  std::string last_authorization() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::string address_;
};

}  // namespace sheaf::cli
