// JobsHandler::WaitJob: answers when the job has ended, or the wait is over.
#include <atomic>

#include "base/status.h"
#include "queue/jobs.h"
#include "server/call.h"
#include "server/convert.h"
#include "server/event_hub.h"
#include "server/jobs_handler.h"

namespace sheaf::server {
namespace {

constexpr absl::Duration kWaitDefault = absl::Seconds(30);
constexpr absl::Duration kWaitMax = absl::Minutes(10);

// Looks at the job whenever something has happened to it.
class WaitReactor final : public grpc::ServerUnaryReactor,
                          public std::enable_shared_from_this<WaitReactor> {
 public:
  WaitReactor(Core* core, JobId id, pb::Job* response)
      : core_(core), id_(id), response_(response) {}

  void Start(absl::Duration wait) {
    self_ = shared_from_this();
    seen_ = core_->events->last_sequence();
    subscription_ = core_->events->Subscribe(
        [me = weak_from_this()] {
          if (auto alive = me.lock()) alive->Nudged();
        },
        nullptr);
    timeout_ = core_->timer->After(wait, [me = weak_from_this()] {
      if (auto alive = me.lock()) alive->Look(/*last=*/true);
    });
    Look(false);
  }

  void OnCancel() override { End(grpc::Status::CANCELLED); }
  void OnDone() override {
    core_->events->Unsubscribe(subscription_);
    core_->timer->Cancel(timeout_);
    self_.reset();
  }

 private:
  void Nudged() {
    std::vector<std::shared_ptr<const Event>> events;
    const bool all = core_->events->Recent(seen_, 10'000, &events);
    bool mine = !all;
    for (const auto& event : events) {
      seen_ = event->sequence;
      mine = mine || Concerns(*event, id_);
      for (const JobEnd& end : event->ended) mine = mine || end.job == id_;
    }
    if (!all) seen_ = core_->events->last_sequence();
    if (mine) Look(false);
  }

  void Look(bool last) {
    auto job = std::make_shared<Job>();
    core_->store->Read(
        [id = id_, job](View& view) -> absl::Status {
          SHEAF_ASSIGN_OR_RETURN(*job, FindJobOrError(view, id));
          return absl::OkStatus();
        },
        [me = shared_from_this(), job, last](const absl::Status& status) {
          me->Seen(status, *job, last);
        });
  }

  void Seen(const absl::Status& status, const Job& job, bool last) {
    if (!status.ok()) return End(ToGrpcStatus(status));
    if (job.counts.live() > 0 && !last) return;
    if (ended_.exchange(true)) return;
    ToProto(job, response_);
    Finish(grpc::Status::OK);
  }

  void End(const grpc::Status& status) {
    if (!ended_.exchange(true)) Finish(status);
  }

  Core* const core_;
  const JobId id_;
  pb::Job* const response_;
  std::shared_ptr<WaitReactor> self_;  // until OnDone
  int64_t subscription_ = 0;
  Timer::Handle timeout_;
  int64_t seen_ = 0;  // only on the hub's calls, which come one at a time
  std::atomic<bool> ended_ = false;
};

}  // namespace

grpc::ServerUnaryReactor* JobsHandler::WaitJob(
    grpc::CallbackServerContext* context, const pb::WaitJobRequest* request,
    pb::Job* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  const auto id = JobNamed(request->name());
  if (!id.ok()) return Refuse(context, id.status());
  const absl::Duration wait =
      request->has_timeout() ? FromProto(request->timeout()) : kWaitDefault;
  auto reactor = std::make_shared<WaitReactor>(&core_, *id, response);
  auto* raw = reactor.get();
  raw->Start(std::clamp(wait, absl::ZeroDuration(), kWaitMax));
  return raw;
}

}  // namespace sheaf::server
