// Events to many watchers, while jobs are submitted.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "base/status.h"
#include "bench/submit_ops.h"
#include "bench/suite.h"

namespace sheaf::bench {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

// One WatchEvents call; counts what comes, and whether a number was missed.
class Watcher final : private grpc::ClientReadReactor<pb::WatchEventsResponse> {
 public:
  Watcher(Client::Connection* connection, int64_t after) : last_(after) {
    request_.set_after_sequence(after);
    SetDeadline(&context_, absl::Minutes(10));
    connection->jobs->async()->WatchEvents(&context_, &request_, this);
    StartRead(&response_);
    StartCall();
  }
  ~Watcher() {
    context_.TryCancel();
    over_.WaitForNotification();
  }

  // Waits until events up to `sequence` have come; false where they do not.
  bool WaitFor(int64_t sequence, absl::Time until) {
    absl::MutexLock lock(&mutex_);
    wanted_ = sequence;
    return mutex_.AwaitWithDeadline(
               absl::Condition(
                   +[](Watcher* me) ABSL_EXCLUSIVE_LOCKS_REQUIRED(me->mutex_) {
                     return me->last_ >= me->wanted_ || me->broken_;
                   },
                   this),
               until) &&
           !broken_;
  }
  int64_t gaps() {
    absl::MutexLock lock(&mutex_);
    return gaps_;
  }

 private:
  void OnReadDone(bool ok) override {
    {
      absl::MutexLock lock(&mutex_);
      if (!ok) broken_ = true;
      if (ok && response_.has_event()) {
        if (response_.event().sequence() != last_ + 1) ++gaps_;
        last_ = response_.event().sequence();
      } else if (ok && response_.has_resync()) {
        ++gaps_;
        last_ = response_.resync().sequence();
      }
    }
    if (ok) StartRead(&response_);
  }
  void OnDone(const grpc::Status&) override { over_.Notify(); }

  pb::WatchEventsRequest request_;
  pb::WatchEventsResponse response_;
  grpc::ClientContext context_;
  absl::Notification over_;
  absl::Mutex mutex_;
  int64_t last_ ABSL_GUARDED_BY(mutex_);
  int64_t wanted_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t gaps_ ABSL_GUARDED_BY(mutex_) = 0;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
};

absl::StatusOr<int64_t> LastSequence(Client* client) {
  pb::ServerInfo info;
  grpc::ClientContext context;
  SetDeadline(&context);
  SHEAF_RETURN_IF_ERROR(
      FromGrpc(client->of(0).admin->GetServerInfo(&context, {}, &info)));
  return info.last_event_sequence();
}

struct FanOut {
  std::vector<double> delivered;  // events/s to all watchers together
  std::vector<double> submitted;  // jobs/s meanwhile
  std::vector<double> behind;     // seconds from the last submit to the last
                                  // event at the last watcher
  int64_t gaps = 0;
};

absl::Status OnePass(Client* submitter, Client* listener, int count,
                     int64_t jobs, FanOut* result) {
  SHEAF_ASSIGN_OR_RETURN(const int64_t before, LastSequence(submitter));
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int i = 0; i < count; ++i) {
    watchers.push_back(std::make_unique<Watcher>(&listener->of(i), before));
  }
  const absl::Time start = absl::Now();
  const Window window = CountedLoop(UnarySubmits(submitter, 64, 1), jobs);
  if (window.failures > 0) return absl::UnknownError("a submit failed");
  const absl::Time last_submit = absl::Now();
  bool all = true;
  for (auto& watcher : watchers) {
    all = watcher->WaitFor(before + jobs, last_submit + kPatience) && all;
    result->gaps += watcher->gaps();
  }
  if (!all) return absl::DeadlineExceededError("a watcher missed events");
  const absl::Time end = absl::Now();
  result->delivered.push_back(jobs * count /
                              absl::ToDoubleSeconds(end - start));
  result->submitted.push_back(window.rate);
  result->behind.push_back(absl::ToDoubleSeconds(end - last_submit));
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureEvents(Suite& suite) {
  const int64_t jobs = suite.Size<int64_t>(20'000, 300);
  const int passes = suite.Size(5, 1);
  SHEAF_ASSIGN_OR_RETURN(auto server, suite.Serve("events"));
  SHEAF_ASSIGN_OR_RETURN(auto submitter, server->Connect(64));
  SHEAF_ASSIGN_OR_RETURN(auto listener, server->Connect(64));
  for (int count : {1, 10, 100}) {
    FanOut result;
    for (int i = 0; i < passes; ++i) {
      if (Interrupted()) return absl::CancelledError("interrupted");
      SHEAF_RETURN_IF_ERROR(
          OnePass(submitter.get(), listener.get(), count, jobs, &result));
    }
    const std::string name = fmt::format("events to {} watchers", count);
    suite.table->Add({name, Median(result.delivered), "events/s"});
    suite.table->Add(
        {name + ", submits meanwhile", Median(result.submitted), "jobs/s"});
    suite.table->Add(
        {name + ", behind the last submit", Median(result.behind) * 1e3, "ms"});
    suite.table->Add(AtMost({name + ", gaps", double(result.gaps), "gaps"}, 0,
                            "", /*judge=*/true));
  }
  return absl::OkStatus();
}

}  // namespace sheaf::bench
