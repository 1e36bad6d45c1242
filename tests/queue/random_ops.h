// The steps of the random model test: what clients, workers, operators and
// time do to a server, drawn from a seed.
#pragma once

#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/queue/store_state.h"
#include "tests/queue/twins.h"

namespace sheaf {

class RandomOps {
 public:
  explicit RandomOps(uint32_t seed);

  // Does one thing.
  void Step();
  // Compares all that the stores hold, and looks for broken rules.
  void Compare();
  // How often each step was done, and how often it was refused.
  std::string Report() const;

 private:
  int Below(int n) { return std::uniform_int_distribution(0, n - 1)(random_); }
  bool OneIn(int n) { return Below(n) == 0; }
  template <class T>
  const T& AnyOf(const std::vector<T>& list) {
    return list[Below(static_cast<int>(list.size()))];
  }

  // Clients.
  void SubmitNew();
  void SubmitAgain();
  void SubmitJob(const char* step, const NewJob& job);
  void Cancel();
  void CancelByFilter();
  void Retry();
  void Update();
  void Delete();
  // Workers.
  void LeaseSome();
  void FinishSome();
  void AddForeign(const Leased& leased, FinishReport* report);
  void FinishAgain();
  void BeatHeart();
  void Release();
  void LoseWorker();
  void Renew();
  // Operators.
  void ChangeQueue();
  void PauseOrResume();
  void MakeOrDropQueue();
  void Purge();
  void Upload();
  void CollectGarbage();
  // Plans.
  void StorePlan();
  void ExecuteSome();
  void UndoSome();
  void ShareOrNot();
  // Time.
  void PassTime();
  void Keep();

  NewJob AnyJob();
  RunParams AnyParams();
  JobId AnyJobId();
  RunId AnyRunId();
  Lessee AnyWorker();
  Outcome AnyOutcome();
  LeaseClaim AnyHold(const Batch& batch);
  std::string AnyQueue() { return AnyOf(queues_); }
  std::string AnyDigest() { return "a" + std::to_string(Below(12)); }
  void Count(const std::string& step, const absl::Status& status);

  std::mt19937 random_;
  Twins twins_;
  const std::vector<std::string> queues_{"default", "night", "small"};
  int64_t last_job_ = 0;
  std::vector<NewJob> requests_;  // that carried a request_id
  // The newest job by owner and request_id.
  std::map<std::pair<std::string, std::string>, JobId> made_by_;
  std::deque<PlanId> plans_;
  std::deque<Leased> leases_;          // those that are over, too
  std::vector<FinishReport> reports_;  // sent already
  RunFollower follower_;
  int64_t followed_ = 0;
  std::map<std::string, std::map<std::string, int>> tally_;
};

}  // namespace sheaf
