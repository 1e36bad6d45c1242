// WorkerHandler::RegisterWorker: the stream that lives as long as the worker.
#include <atomic>
#include <deque>

#include "absl/strings/str_cat.h"
#include "base/secret.h"
#include "base/version.h"
#include "queue/leasing/lease_ends.h"
#include "server/handlers/calls.h"
#include "server/handlers/worker_claim.h"
#include "server/handlers/worker_handler.h"
#include "server/scheduling/lease_waiters.h"
#include "server/scheduling/prices_board.h"
#include "server/scheduling/workers.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

using Parts = WorkerHandler::Parts;

// Most workers of one address; and most bytes of one worker's model names.
constexpr int kWorkersMax = 512;
constexpr int64_t kNameBytesMax = 256 << 10;

absl::Status CheckRoom(const WorkerRegistry& workers,
                       const grpc::CallbackServerContext& context,
                       const pb::RegisterWorkerRequest& request) {
  int64_t bytes = 0;
  for (const std::string& model : request.models()) {
    bytes += static_cast<int64_t>(model.size());
  }
  if (bytes > kNameBytesMax) {
    return InvalidArgument(
        {{"models",
          absl::StrCat("take more than ", kNameBytesMax, " bytes in all")}});
  }
  if (workers.CountFrom(AddressOf(context.peer())) < kWorkersMax) {
    return absl::OkStatus();
  }
  return WithRetryAfter(
      Error(Reason::kOverloaded,
            absl::StrCat("there are ", kWorkersMax,
                         " workers from this address already")),
      absl::Seconds(10));
}

Names NamesOf(const google::protobuf::RepeatedPtrField<std::string>& list) {
  return std::vector<std::string>(list.begin(), list.end());
}

// Counted references: gRPC holds one, and the store one while the worker is
// given its name. The registry's nudge holds a weak one.
class RegisterReactor final
    : public grpc::ServerWriteReactor<pb::WorkerSignal>,
      public std::enable_shared_from_this<RegisterReactor> {
 public:
  RegisterReactor(const Calls& calls, const Parts* parts)
      : calls_(calls), parts_(*parts) {}

  void Reject(const absl::Status& status) {
    self_ = shared_from_this();
    absl::MutexLock lock(&mutex_);
    End(ToGrpcStatus(status));
  }

  void Start(const pb::RegisterWorkerRequest& request,
             const grpc::CallbackServerContext& context) {
    self_ = shared_from_this();
    info_.peer = context.peer();
    info_.address = AddressOf(info_.peer);
    info_.secret = RandomBytes();
    info_.lessee.name = request.display_name();
    std::vector<std::string> queues;
    for (const std::string& queue : request.queues()) {
      queues.push_back(LastPart(queue));
    }
    info_.lessee.queues = std::move(queues);
    info_.lessee.kinds = NamesOf(request.kinds());
    info_.lessee.models = NamesOf(request.models());
    info_.lessee.batch_size_max = request.batch_size_max();
    info_.lessee.pixels_max = request.pixels_max();
    info_.pixel_steps_max = request.pixel_steps_max();
    for (const pb::Device& device : request.devices()) {
      info_.devices.push_back(
          {device.name(), device.description(), device.memory_bytes()});
    }
    if (!info_.devices.empty()) {
      info_.lessee.device = info_.devices[0].name;
      info_.lessee.device_bytes = info_.devices[0].memory_bytes;
    }
    info_.version = request.version();
    info_.measures = request.measures();
    calls_.store().Write(
        [me = shared_from_this()](Tx& tx) {
          me->info_.lessee.id = tx.NewWorkerId();
          tx.AppendEvent({.type = EventType::kWorkerJoined,
                          .worker = me->info_.lessee.name});
          return absl::OkStatus();
        },
        [me = shared_from_this()](const absl::Status& status) {
          me->Named(status);
        },
        CallOf(context, /*cancellable=*/false));
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
    if (attached_ && parts_.workers->Detach(info_.lessee.id)) {
      Miss(calls_, &parts_, info_.lessee.id, info_.lessee.name,
           parts_.worker_grace);
    }
    self_.reset();
  }

 private:
  // Called when the stream is gone. A worker that is not heard of within
  // `grace` is dead. A worker that is heard of (only its connection broke) has
  // the time of a lease to be heard of again.
  static void Miss(const Calls& calls, const Parts* parts, WorkerId id,
                   const std::string& name, absl::Duration grace) {
    if (calls.door().is_closing()) return;
    parts->timer->After(grace, [calls, parts, id, name, since = parts->now()] {
      const std::optional<WorkerInfo> worker = parts->workers->Find(id);
      if (!worker) return;  // it has said goodbye
      if (worker->heartbeat_time > since) {
        return Miss(calls, parts, id, name, parts->lease_duration);
      }
      Bury(&calls.store(), parts, id, name);
    });
  }

  static void Bury(Store* store, const Parts* parts, WorkerId id,
                   const std::string& name) {
    parts->workers->Remove(id);
    parts->lease_waiters->DropWorker(id);
    EndLeasesOf(*store, id, LeaseEnd::kDied,
                [store, name](const absl::Status&) {
                  // A lease that could not be ended now ends when its time is
                  // over.
                  store->Write(
                      [name](Tx& tx) {
                        tx.AppendEvent({.type = EventType::kWorkerLeft,
                                        .worker = name,
                                        .reason = "its connection ended"});
                        return absl::OkStatus();
                      },
                      [](const absl::Status&) {}, {.own = true});
                });
  }

  void Named(const absl::Status& status) {
    if (!status.ok()) {
      absl::MutexLock lock(&mutex_);
      return End(ToGrpcStatus(status));
    }
    info_.register_time = info_.heartbeat_time = parts_.now();
    {
      absl::MutexLock lock(&mutex_);
      if (ended_) return;  // gone before it had a name: nothing to bury
    }
    // The registry knows the worker before the worker hears its name: it may
    // use the name at once.
    parts_.workers->Attach(info_,
                           [me = weak_from_this()](const WorkerNudge& nudge) {
                             if (auto alive = me.lock()) alive->Nudged(nudge);
                           });
    attached_ = true;
    bool gone;
    {
      absl::MutexLock lock(&mutex_);
      SayHello();
      gone = ended_;
    }
    // The stream ended while the worker was being attached: OnDone may have
    // missed that.
    if (gone && parts_.workers->Detach(info_.lessee.id)) {
      Miss(calls_, &parts_, info_.lessee.id, info_.lessee.name,
           parts_.worker_grace);
    }
  }

  void Nudged(const WorkerNudge& nudge) {
    absl::MutexLock lock(&mutex_);
    if (nudge.goodbye) return End(grpc::Status::OK);
    pb::WorkerSignal signal;
    signal.set_report_now(nudge.report_now);
    signal.set_drain(nudge.drain);
    Say(std::move(signal));
  }

  bool HasModelsToMeasure() const {
    if (!info_.measures) return false;
    for (const std::string& model : info_.lessee.models) {
      if (!parts_.prices->HasMeasured(info_.lessee.device, model)) return true;
    }
    return false;
  }

  // Goes before everything that was said since Attach.
  void SayHello() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    pb::WorkerSignal hello;
    hello.set_worker(NameOf(info_.lessee.id));
    SetDuration(parts_.lease_duration, hello.mutable_lease_duration());
    SetDuration(parts_.heartbeat_interval, hello.mutable_heartbeat_interval());
    hello.set_calibrate(HasModelsToMeasure());
    hello.set_secret(info_.secret);
    waiting_.push_front(std::move(hello));
    writing_ = false;
    WriteNext();
  }

  void Say(pb::WorkerSignal signal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    signal.set_worker(NameOf(info_.lessee.id));
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

  void End(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (ended_) return;
    ended_ = true;
    Finish(status);
  }

  const Calls calls_;
  const Parts& parts_;
  WorkerInfo info_;
  std::atomic<bool> attached_ = false;
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
  auto reactor = std::make_shared<RegisterReactor>(calls_, &parts_);
  auto* raw = reactor.get();
  if (absl::Status s = calls_.door().AdmitChange(*context, *request).status();
      !s.ok()) {
    raw->Reject(s);
  } else if (absl::Status s = CheckRoom(*parts_.workers, *context, *request);
             !s.ok()) {
    raw->Reject(s);
  } else if (IsOutdated(request->version())) {
    raw->Reject(Error(
        Reason::kWorkerOutdated,
        absl::StrCat("a worker of version ", request->version(),
                     " does not show the secrets of its leases; update it to ",
                     kVersion)));
  } else {
    raw->Start(*request, *context);
  }
  return raw;
}

}  // namespace sheaf::server
