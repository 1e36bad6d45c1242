// A Sheaf server in miniature, in this process: enough state for the command
// line to have something to talk to, and a record of what it was asked.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sheaf/v1/admin_service.pb.h"
#include "sheaf/v1/job_service.pb.h"
#include "sheaf/v1/queue_service.pb.h"

namespace sheaf::cli {

class FakeServer {
 public:
  FakeServer();
  ~FakeServer();

  // "127.0.0.1:PORT".
  const std::string& address() const { return address_; }

  // What a submitted job has come to by the time it is asked for.
  void SetOutcome(v1::JobState outcome);
  // The next `count` calls of GetJob answer UNAVAILABLE.
  void FailGetJob(int count);
  // What runs have as output; uploads are kept too, by their name.
  std::string PutArtifact(const std::string& bytes);
  void SetOutputs(const std::vector<v1::Output>& outputs);
  // Sends other bytes than the name says.
  void CorruptArtifacts();
  // The next `count` calls of GetStats answer; the one after fails.
  void LimitStats(int count);

  v1::SubmitJobRequest last_submit() const;
  v1::CancelJobRequest last_cancel() const;
  v1::UpdateQueueRequest last_queue_update() const;
  v1::UpdateJobRequest last_job_update() const;
  v1::GetStatsRequest last_stats() const;
  int get_job_calls() const;
  std::vector<std::string> uploads() const;
  std::string last_authorization() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::string address_;
};

}  // namespace sheaf::cli
