// JobsHandler::WaitJob: answers when the job has ended, or the wait is over.
#include "base/status.h"
#include "queue/jobs.h"
#include "server/handlers/call_options.h"
#include "server/handlers/calls.h"
#include "server/handlers/jobs_handler.h"
#include "server/telemetry/event_hub.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

constexpr absl::Duration kWaitDefault = absl::Seconds(30);
constexpr absl::Duration kWaitJobMax = absl::Minutes(10);
// An overloaded store is asked again after this long, at most this many times.
constexpr absl::Duration kNextLook = absl::Milliseconds(200);
constexpr int kLooksInOverload = 50;

// Whether the job may have ended, or was deleted, with this event.
bool MayEnd(const Event& event, JobId id) {
  if (event.type == EventType::kJobDeleted && event.job == id) return true;
  for (const JobEnd& end : event.ended) {
    if (end.job == id) return true;
  }
  return false;
}

// Reads the job when it may have ended. However many events come, only one read
// is under way at a time.
class WaitReactor final : public grpc::ServerUnaryReactor,
                          public std::enable_shared_from_this<WaitReactor> {
 public:
  WaitReactor(const Calls& calls, const JobsHandler::Parts& parts,
              const grpc::CallbackServerContext& context, JobId id,
              pb::Job* response)
      : store_(calls.store()),
        events_(*parts.events),
        timer_(*parts.timer),
        caller_(CallOf(context, /*cancellable=*/false)),
        id_(id),
        response_(response) {}

  void Start(absl::Duration wait) {
    self_ = shared_from_this();
    seen_ = events_.last_sequence();
    subscription_ = events_.Subscribe(
        [me = weak_from_this()] {
          if (auto alive = me.lock()) alive->Nudged();
        },
        nullptr);
    timeout_ = timer_.After(wait, [me = weak_from_this()] {
      if (auto alive = me.lock()) alive->TimedOut();
    });
    absl::MutexLock lock(&mutex_);
    started_ = true;
    if (ended_) return Finish(status_);
    Look();
  }

  void OnCancel() override {
    absl::MutexLock lock(&mutex_);
    End(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    events_.Unsubscribe(subscription_);
    timer_.Cancel(timeout_);
    self_.reset();
  }

 private:
  void Nudged() {
    std::vector<std::shared_ptr<const Event>> events;
    const bool all = events_.Recent(seen_, 10'000, &events);
    bool mine = !all;
    for (const auto& event : events) {
      seen_ = event->sequence;
      mine = mine || MayEnd(*event, id_);
    }
    if (!all) seen_ = events_.last_sequence();
    if (!mine) return;
    absl::MutexLock lock(&mutex_);
    Look();
  }

  void TimedOut() {
    absl::MutexLock lock(&mutex_);
    last_ = true;
    Look();
  }

  void LookAgain() {
    absl::MutexLock lock(&mutex_);
    Look();
  }

  void Look() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (ended_) return;
    if (looking_ || !started_) {
      look_again_ = true;
      return;
    }
    looking_ = true;
    look_again_ = false;
    auto job = std::make_shared<Job>();
    store_.Read(
        [id = id_, job](View& view) -> absl::Status {
          SHEAF_ASSIGN_OR_RETURN(*job, FindJobOrError(view, id));
          return absl::OkStatus();
        },
        [me = shared_from_this(), job](const absl::Status& status) {
          me->Seen(status, *job);
        },
        caller_);
  }

  void Seen(const absl::Status& status, const Job& job) {
    absl::MutexLock lock(&mutex_);
    looking_ = false;
    if (ended_) return;
    if (ReasonOf(status) == Reason::kOverloaded && looks_left_ > 0) {
      // Thousands may wait for one job: the store need not see them all at
      // once, and a waiting call can wait a little more.
      --looks_left_;
      timer_.After(kNextLook, [me = weak_from_this()] {
        if (auto alive = me.lock()) alive->LookAgain();
      });
      return;
    }
    if (!status.ok()) return End(ToGrpcStatus(status));
    if (job.counts.live() > 0 && !last_) {
      if (look_again_) Look();
      return;
    }
    ToProto(job, response_);
    End(grpc::Status::OK);
  }

  // Does not finish before Start has set the subscription and the timer that
  // OnDone gives back.
  void End(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (ended_) return;
    ended_ = true;
    status_ = status;
    if (started_) Finish(status_);
  }

  Store& store_;
  EventHub& events_;
  Timer& timer_;
  const CallOptions caller_;
  const JobId id_;
  pb::Job* const response_;
  std::shared_ptr<WaitReactor> self_;  // until OnDone
  int64_t subscription_ = 0;
  Timer::Handle timeout_;
  int64_t seen_ = 0;  // only on the hub's calls, which come one at a time
  absl::Mutex mutex_;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  bool looking_ ABSL_GUARDED_BY(mutex_) = false;
  bool look_again_ ABSL_GUARDED_BY(mutex_) = false;
  int looks_left_ ABSL_GUARDED_BY(mutex_) = kLooksInOverload;
  bool last_ ABSL_GUARDED_BY(mutex_) = false;  // answer with any state
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

grpc::ServerUnaryReactor* JobsHandler::WaitJob(
    grpc::CallbackServerContext* context, const pb::WaitJobRequest* request,
    pb::Job* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    const auto id = JobNamed(request->name());
    if (!id.ok()) return id.status();
    const absl::Duration wait =
        request->has_timeout() ? FromProto(request->timeout()) : kWaitDefault;
    auto reactor =
        std::make_shared<WaitReactor>(calls_, parts_, *context, *id, response);
    auto* raw = reactor.get();
    raw->Start(std::clamp(wait, absl::ZeroDuration(), kWaitJobMax));
    return raw;
  });
}

}  // namespace sheaf::server
