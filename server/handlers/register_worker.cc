// WorkerHandler::RegisterWorker: the stream that lives as long as the worker.
#include <atomic>
#include <deque>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/status.h"
#include "server/handlers/call_options.h"
#include "server/handlers/calls.h"
#include "server/handlers/worker_handler.h"
#include "server/use_cases/worker_sessions.h"
#include "server/wire/convert.h"
#include "server/wire/convert_worker.h"

namespace sheaf::server {
namespace {

// Counted references: gRPC holds one, and the store one while the worker is
// given its name. The registry's nudge holds a weak one.
class RegisterReactor final
    : public grpc::ServerWriteReactor<pb::WorkerSignal>,
      public std::enable_shared_from_this<RegisterReactor> {
 public:
  explicit RegisterReactor(const WorkerSessions* sessions)
      : sessions_(*sessions) {}

  void Start(const Calls& calls, const grpc::CallbackServerContext& context,
             const pb::RegisterWorkerRequest& request) {
    self_ = shared_from_this();
    const absl::Status begun = Begin(calls, context, request);
    if (!begun.ok()) EndWith(begun);
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) return End(grpc::Status::OK);
    WriteNext();
  }
  void OnCancel() override {
    absl::MutexLock lock(&mutex_);
    End(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    if (is_open_) sessions_.StreamEnded(worker_);
    self_.reset();
  }

 private:
  absl::Status Begin(const Calls& calls,
                     const grpc::CallbackServerContext& context,
                     const pb::RegisterWorkerRequest& request) {
    SHEAF_ASSIGN_OR_RETURN(const Caller caller,
                           calls.door().AdmitChange(context, request));
    SHEAF_ASSIGN_OR_RETURN(worker_,
                           sessions_.Admit(caller, FromProto(request)));
    calls.store().Write(
        [me = shared_from_this()](Tx& tx) -> absl::Status {
          SHEAF_ASSIGN_OR_RETURN(me->worker_,
                                 me->sessions_.Name(tx, me->worker_));
          return absl::OkStatus();
        },
        [me = shared_from_this()](const absl::Status& status) {
          me->Named(status);
        },
        CallOf(context, /*cancellable=*/false));
    return absl::OkStatus();
  }

  void Named(const absl::Status& status) {
    if (!status.ok()) return EndWith(status);
    if (HasEnded()) return;  // gone before it had a name: nobody will miss it
    // The registry knows the worker before the worker hears its name: it may
    // use the name at once.
    const Welcome welcome = sessions_.Open(
        worker_, [me = weak_from_this()](const WorkerNudge& nudge) {
          if (auto alive = me.lock()) alive->Nudged(nudge);
        });
    is_open_ = true;
    SayHello(welcome);
    // The stream ended while it was being opened: OnDone may have missed that.
    if (HasEnded()) sessions_.StreamEnded(worker_);
  }

  void Nudged(const WorkerNudge& nudge) {
    absl::MutexLock lock(&mutex_);
    if (nudge.goodbye) return End(grpc::Status::OK);
    pb::WorkerSignal signal;
    ToProto(nudge, &signal);
    Say(std::move(signal));
  }

  // Goes before everything that was said since the stream was opened.
  void SayHello(const Welcome& welcome) {
    absl::MutexLock lock(&mutex_);
    pb::WorkerSignal hello;
    ToProto(welcome, &hello);
    hello.set_worker(NameOf(worker_.lessee.id));
    hello.set_secret(worker_.secret);
    waiting_.push_front(std::move(hello));
    writing_ = false;
    WriteNext();
  }

  void Say(pb::WorkerSignal signal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    signal.set_worker(NameOf(worker_.lessee.id));
    // One waiting "report now" is as good as many.
    if (!waiting_.empty() && signal.report_now() && !signal.drain()) return;
    waiting_.push_back(std::move(signal));
    WriteNext();
  }

  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (writing_ || ended_ || waiting_.empty()) return;
    current_ = std::move(waiting_.front());
    waiting_.pop_front();
    writing_ = true;
    StartWrite(&current_);
  }

  bool HasEnded() {
    absl::MutexLock lock(&mutex_);
    return ended_;
  }
  void EndWith(const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    End(ToGrpcStatus(status));
  }
  void End(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (ended_) return;
    ended_ = true;
    Finish(status);
  }

  const WorkerSessions& sessions_;
  WorkerInfo worker_;
  std::atomic<bool> is_open_ = false;
  std::shared_ptr<RegisterReactor> self_;  // until OnDone
  absl::Mutex mutex_;
  std::deque<pb::WorkerSignal> waiting_ ABSL_GUARDED_BY(mutex_);
  pb::WorkerSignal current_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = true;  // until the hello
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

grpc::ServerWriteReactor<pb::WorkerSignal>* WorkerHandler::RegisterWorker(
    grpc::CallbackServerContext* context,
    const pb::RegisterWorkerRequest* request) {
  const auto reactor = std::make_shared<RegisterReactor>(parts_.sessions);
  reactor->Start(calls_, *context, *request);
  return reactor.get();
}

}  // namespace sheaf::server
