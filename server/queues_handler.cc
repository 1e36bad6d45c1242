#include "server/queues_handler.h"

#include "server/call.h"
#include "server/convert.h"
#include "server/workers.h"

namespace sheaf::server {
namespace {

// Most runs cancelled in one transaction, so that others get their turn.
constexpr int kPurgeStep = 2000;

auto AnswerQueue(pb::Queue* response) {
  return [response](const Queue& queue) { ToProto(queue, response); };
}

// Cancels step by step until nothing waits, then answers with the sum.
class PurgeLoop : public std::enable_shared_from_this<PurgeLoop> {
 public:
  PurgeLoop(Core* core, const pb::PurgeQueueRequest& request,
            pb::PurgeQueueResponse* response, grpc::ServerUnaryReactor* reactor)
      : core_(core),
        queue_(LastPart(request.name())),
        actor_(request.actor()),
        response_(response),
        reactor_(reactor) {}

  void Step() {
    auto me = shared_from_this();
    core_->store->Write(
        [me](Tx& tx) {
          auto count = PurgeSome(tx, me->queue_, me->actor_, kPurgeStep);
          if (count.ok()) me->last_ = *count;
          return count.status();
        },
        [me](const absl::Status& status) { me->Stepped(status); });
  }

 private:
  void Stepped(const absl::Status& status) {
    if (!status.ok()) return reactor_->Finish(ToGrpcStatus(status));
    total_ += last_;
    if (last_ == kPurgeStep && core_->stopping) {
      return reactor_->Finish(ToGrpcStatus(ServerStopping()));
    }
    if (last_ == kPurgeStep) return Step();
    response_->set_run_count(total_);
    reactor_->Finish(grpc::Status::OK);
  }

  Core* const core_;
  const std::string queue_;
  const std::string actor_;
  pb::PurgeQueueResponse* const response_;
  grpc::ServerUnaryReactor* const reactor_;
  int last_ = 0;
  int64_t total_ = 0;
};

}  // namespace

grpc::ServerUnaryReactor* QueuesHandler::CreateQueue(
    grpc::CallbackServerContext* context, const pb::CreateQueueRequest* request,
    pb::Queue* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  return WriteCall(
      core_, context,
      [name = LastPart(request->name()),
       settings = FromProto(request->settings())](Tx& tx) {
        return sheaf::CreateQueue(tx, name, settings);
      },
      AnswerQueue(response));
}

grpc::ServerUnaryReactor* QueuesHandler::GetQueue(
    grpc::CallbackServerContext* context, const pb::GetQueueRequest* request,
    pb::Queue* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  return ReadCall(
      core_, context,
      [name = LastPart(request->name())](View& view) {
        return FindQueueOrError(view, name);
      },
      AnswerQueue(response));
}

grpc::ServerUnaryReactor* QueuesHandler::ListQueues(
    grpc::CallbackServerContext* context, const pb::ListQueuesRequest* request,
    pb::ListQueuesResponse* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  return ReadCall(
      core_, context,
      [](View& view) -> absl::StatusOr<std::vector<Queue>> {
        return view.Queues();
      },
      [response](const std::vector<Queue>& queues) {
        for (const Queue& queue : queues) {
          ToProto(queue, response->add_queues());
        }
      });
}

grpc::ServerUnaryReactor* QueuesHandler::UpdateQueue(
    grpc::CallbackServerContext* context, const pb::UpdateQueueRequest* request,
    pb::Queue* response) {
  absl::Status s = Admit(core_, *context, *request);
  const auto patch = FromProto(*request);
  const auto version = VersionOf(request->etag());
  if (s.ok()) s = patch.status();
  if (s.ok()) s = version.status();
  if (!s.ok()) return Refuse(context, s);
  return WriteCall(
      core_, context,
      [name = LastPart(request->name()), patch = *patch, version = *version](
          Tx& tx) { return sheaf::UpdateQueue(tx, name, patch, version); },
      AnswerQueue(response));
}

grpc::ServerUnaryReactor* QueuesHandler::DeleteQueue(
    grpc::CallbackServerContext* context, const pb::DeleteQueueRequest* request,
    pb::DeleteQueueResponse*) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  return WriteCall(
      core_, context,
      [name = LastPart(request->name())](Tx& tx) -> absl::StatusOr<bool> {
        const absl::Status status = sheaf::DeleteQueue(tx, name);
        if (!status.ok()) return status;
        return true;
      },
      [](bool) {});
}

grpc::ServerUnaryReactor* QueuesHandler::PauseQueue(
    grpc::CallbackServerContext* context, const pb::PauseQueueRequest* request,
    pb::Queue* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  Pause pause;
  pause.reason = request->reason();
  pause.actor = request->actor();
  if (request->has_resume_time()) {
    pause.resume_time = FromProto(request->resume_time());
  }
  if (request->mode() == pb::PAUSE_MODE_NEXT_STEP) {
    pause.mode = PauseMode::kNextStep;
  }
  return WriteCall(
      core_, context,
      [name = LastPart(request->name()), pause](Tx& tx) {
        return sheaf::PauseQueue(tx, name, pause);
      },
      [this, response](const Queue& queue) {
        ToProto(queue, response);
        if (queue.pause_mode == PauseMode::kNextStep) {
          core_.workers->ReportNowToAll();
        }
      });
}

grpc::ServerUnaryReactor* QueuesHandler::ResumeQueue(
    grpc::CallbackServerContext* context, const pb::ResumeQueueRequest* request,
    pb::Queue* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  return WriteCall(
      core_, context,
      [name = LastPart(request->name()), actor = request->actor()](Tx& tx) {
        return sheaf::ResumeQueue(tx, name, actor);
      },
      AnswerQueue(response));
}

grpc::ServerUnaryReactor* QueuesHandler::DrainQueue(
    grpc::CallbackServerContext* context, const pb::DrainQueueRequest* request,
    pb::Queue* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  return WriteCall(
      core_, context,
      [name = LastPart(request->name()), reason = request->reason(),
       actor = request->actor()](Tx& tx) {
        return sheaf::DrainQueue(tx, name, reason, actor);
      },
      AnswerQueue(response));
}

grpc::ServerUnaryReactor* QueuesHandler::PurgeQueue(
    grpc::CallbackServerContext* context, const pb::PurgeQueueRequest* request,
    pb::PurgeQueueResponse* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  if (request->validate_only()) {
    return ReadCall(
        core_, context,
        [name = LastPart(request->name())](View& view) {
          return FindQueueOrError(view, name);
        },
        [response](const Queue& queue) {
          response->set_run_count(queue.queued);
        });
  }
  auto* reactor = context->DefaultReactor();
  std::make_shared<PurgeLoop>(&core_, *request, response, reactor)->Step();
  return reactor;
}

}  // namespace sheaf::server
