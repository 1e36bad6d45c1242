// JobsHandler::WatchEvents: events in order from any sequence on, at the
// pace of the listener.
#include <deque>

#include "absl/strings/str_cat.h"
#include "server/handlers/call_options.h"
#include "server/handlers/calls.h"
#include "server/handlers/jobs_handler.h"
#include "server/telemetry/event_hub.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

constexpr int kPage = 256;
// Larger than any number of an event, and adding one does not overflow.
constexpr int64_t kSequenceMax = int64_t{1} << 62;
// A listener that is further behind is told to resync.
constexpr int64_t kLagMax = 500'000;
constexpr absl::Duration kHeartbeat = absl::Seconds(15);
// Steps waiting to be sent, newest per run; more are dropped.
constexpr size_t kStepsHeldMax = 256;

// The event as one job's watcher hears it: a batch may hold runs of other jobs.
Event PartOf(Event event, JobId job) {
  std::erase_if(event.runs, [job](const RunChange& change) {
    return change.run.job() != job;
  });
  std::erase_if(event.ended,
                [job](const JobEnd& end) { return end.job != job; });
  return event;
}

class WatchReactor final
    : public grpc::ServerWriteReactor<pb::WatchEventsResponse>,
      public std::enable_shared_from_this<WatchReactor> {
 public:
  WatchReactor(const Calls& calls, const JobsHandler::Parts& parts,
               const grpc::CallbackServerContext& context,
               const pb::WatchEventsRequest& request)
      : store_(calls.store()),
        events_(*parts.events),
        timer_(*parts.timer),
        caller_(CallOf(context, /*cancellable=*/false)),
        queue_(LastPart(request.queue())),
        job_(ParseJobName(request.job()).value_or(JobId{})),
        after_(std::min(request.after_sequence(), kSequenceMax)) {
    if (after_ < 0) after_ = events_.last_sequence();
    if (request.progress()) steps_wanted_ = true;
  }

  void Start() {
    self_ = shared_from_this();
    EventHub::OnProgress on_progress;
    if (steps_wanted_) {
      on_progress = [me = weak_from_this()](RunId run,
                                            const StepProgress& progress) {
        if (auto alive = me.lock()) alive->Stepped(run, progress);
      };
    }
    subscription_ = events_.Subscribe(
        [me = weak_from_this()] {
          if (auto alive = me.lock()) alive->Nudged();
        },
        std::move(on_progress));
    ArmHeartbeat();
    Nudged();
  }

  void Reject(const absl::Status& status) {
    self_ = shared_from_this();
    absl::MutexLock lock(&mutex_);
    End(ToGrpcStatus(status));
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) return End(grpc::Status::OK);
    Advance();
  }
  void OnCancel() override {
    absl::MutexLock lock(&mutex_);
    End(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    if (subscription_ != 0) events_.Unsubscribe(subscription_);
    {
      absl::MutexLock lock(&mutex_);
      timer_.Cancel(heartbeat_);
    }
    self_.reset();
  }

 private:
  bool Wanted(const Event& event) const {
    if (!queue_.empty() && event.queue != queue_) return false;
    return !job_ || Concerns(event, job_);
  }

  void Nudged() {
    absl::MutexLock lock(&mutex_);
    Advance();
  }

  void Stepped(RunId run, const StepProgress& progress) {
    if (job_ && run.job() != job_) return;
    absl::MutexLock lock(&mutex_);
    if (steps_.size() >= kStepsHeldMax && steps_.find(run) == steps_.end())
      return;
    steps_[run] = progress;
    Advance();
  }

  // Sends the next message or fetches events, unless one of the two is under
  // way.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (writing_ || fetching_ || ended_) return;
    if (page_.empty() && !LoadRecent()) return Fetch();
    if (!page_.empty()) {
      out_.mutable_event()->Clear();
      ToProto(job_ ? PartOf(*page_.front(), job_) : *page_.front(),
              out_.mutable_event());
      page_.pop_front();
      return Send();
    }
    if (!steps_.empty()) SendStep();
  }

  // Takes the events that the hub has in memory; false where they begin too
  // late.
  bool LoadRecent() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    while (page_.empty()) {
      std::vector<std::shared_ptr<const Event>> events;
      if (!events_.Recent(after_, kPage, &events)) return false;
      if (events.empty()) return true;
      Keep(std::move(events));
    }
    return true;
  }

  void Keep(std::vector<std::shared_ptr<const Event>> events)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (auto& event : events) {
      after_ = event->sequence;
      if (Wanted(*event)) page_.push_back(std::move(event));
    }
  }

  struct Page {
    std::vector<std::shared_ptr<const Event>> events;
    int64_t first = 0;
    int64_t last = 0;
  };

  void Fetch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    fetching_ = true;
    auto page = std::make_shared<Page>();
    store_.Read(
        [page, after = after_](View& view) {
          page->first = view.FirstSequence();
          page->last = view.LastSequence();
          for (Event& event : view.EventPage(after, kPage)) {
            page->events.push_back(std::make_shared<Event>(std::move(event)));
          }
          return absl::OkStatus();
        },
        [me = shared_from_this(), page](const absl::Status& status) {
          me->Fetched(status, std::move(*page));
        },
        caller_);
  }

  void Fetched(const absl::Status& status, Page page) {
    absl::MutexLock lock(&mutex_);
    fetching_ = false;
    if (!status.ok()) return End(ToGrpcStatus(status));
    if (ended_) return;
    if (after_ + 1 < page.first) {
      return Resync(page.last, "the requested events are no longer kept");
    }
    if (after_ > page.last) {
      return Resync(page.last, "there is no event with that number yet");
    }
    if (page.last - after_ > kLagMax) {
      return Resync(page.last, "the listener fell too far behind");
    }
    if (EndAtGap(page) > after_ + 1) {
      return Resync(page.last,
                    "event numbers were skipped because a backup was restored");
    }
    Keep(std::move(page.events));
    Advance();
  }

  // Restoring a backup leaves numbers out. Cuts the page where the numbers
  // jump, and answers the page's first number; for an empty page, the number
  // after the last event.
  static int64_t EndAtGap(Page& page) {
    auto& events = page.events;
    if (events.empty()) return page.last + 1;
    const int64_t first = events.front()->sequence;
    size_t size = 1;
    while (size < events.size() &&
           events[size]->sequence == first + static_cast<int64_t>(size)) {
      ++size;
    }
    events.resize(size);
    return first;
  }

  void Resync(int64_t sequence, const std::string& reason)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    after_ = sequence;
    page_.clear();
    out_.mutable_resync()->set_sequence(sequence);
    out_.mutable_resync()->set_reason(reason);
    Send();
  }

  void SendStep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto& [run, progress] = *steps_.begin();
    pb::RunProgressed* step = out_.mutable_progress();
    step->Clear();
    step->set_run(NameOf(run));
    ToProto(progress, step->mutable_progress());
    steps_.erase(steps_.begin());
    Send();
  }

  void Send() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    writing_ = true;
    sent_ = true;
    StartWrite(&out_);
  }

  void ArmHeartbeat() {
    auto handle = timer_.After(kHeartbeat, [me = weak_from_this()] {
      if (auto alive = me.lock()) alive->Beat();
    });
    absl::MutexLock lock(&mutex_);
    heartbeat_ = handle;
  }

  void Beat() {
    {
      absl::MutexLock lock(&mutex_);
      if (ended_) return;
      if (!sent_ && !writing_ && !fetching_) {
        out_.mutable_heartbeat()->set_sequence(after_);
        Send();
      }
      sent_ = false;
    }
    ArmHeartbeat();
  }

  void End(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (ended_) return;
    ended_ = true;
    Finish(status);
  }

  Store& store_;
  EventHub& events_;
  Timer& timer_;
  const CallOptions caller_;
  const std::string queue_;
  const JobId job_;
  bool steps_wanted_ = false;
  std::shared_ptr<WatchReactor> self_;  // until OnDone
  int64_t subscription_ = 0;
  absl::Mutex mutex_;
  Timer::Handle heartbeat_ ABSL_GUARDED_BY(mutex_);
  int64_t after_ ABSL_GUARDED_BY(mutex_);  // all up to here is sent or in page_
  std::deque<std::shared_ptr<const Event>> page_ ABSL_GUARDED_BY(mutex_);
  std::map<RunId, StepProgress> steps_ ABSL_GUARDED_BY(mutex_);
  pb::WatchEventsResponse out_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool fetching_ ABSL_GUARDED_BY(mutex_) = false;
  bool sent_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

grpc::ServerWriteReactor<pb::WatchEventsResponse>* JobsHandler::WatchEvents(
    grpc::CallbackServerContext* context,
    const pb::WatchEventsRequest* request) {
  absl::Status status = calls_.door().Check(*context, *request);
  if (status.ok() && !request->job().empty()) {
    status = JobNamed(request->job()).status();
  }
  const auto reactor =
      std::make_shared<WatchReactor>(calls_, parts_, *context, *request);
  status.ok() ? reactor->Start() : reactor->Reject(status);
  return reactor.get();
}

}  // namespace sheaf::server
