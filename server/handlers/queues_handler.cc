#include "server/handlers/queues_handler.h"

#include "base/status.h"
#include "queue/long_changes.h"
#include "queue/queues.h"
#include "server/handlers/call_options.h"
#include "server/handlers/calls.h"
#include "server/scheduling/workers.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

auto AnswerQueue(pb::Queue* response) {
  return [response](const Queue& queue) { ToProto(queue, response); };
}

Pause PauseOf(const pb::PauseQueueRequest& request) {
  Pause pause;
  pause.reason = request.reason();
  pause.actor = request.actor();
  if (request.has_resume_time()) {
    pause.resume_time = FromProto(request.resume_time());
  }
  if (request.mode() == pb::PAUSE_MODE_NEXT_STEP) {
    pause.mode = PauseMode::kNextStep;
  }
  return pause;
}

}  // namespace

QueuesHandler::QueuesHandler(const Calls& calls, WorkerRegistry* workers)
    : calls_(calls), workers_(*workers) {}

QueuesHandler::~QueuesHandler() = default;

grpc::ServerUnaryReactor* QueuesHandler::CreateQueue(
    grpc::CallbackServerContext* context, const pb::CreateQueueRequest* request,
    pb::Queue* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    return calls_.Write(
        context,
        [name = LastPart(request->name()),
         settings = FromProto(request->settings())](Tx& tx) {
          return sheaf::CreateQueue(tx, name, settings);
        },
        AnswerQueue(response));
  });
}

grpc::ServerUnaryReactor* QueuesHandler::GetQueue(
    grpc::CallbackServerContext* context, const pb::GetQueueRequest* request,
    pb::Queue* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    return calls_.Read(
        context,
        [name = LastPart(request->name())](View& view) {
          return FindQueueOrError(view, name);
        },
        AnswerQueue(response));
  });
}

grpc::ServerUnaryReactor* QueuesHandler::ListQueues(
    grpc::CallbackServerContext* context, const pb::ListQueuesRequest* request,
    pb::ListQueuesResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    return calls_.Read(
        context,
        [](View& view) -> absl::StatusOr<std::vector<Queue>> {
          return view.Queues();
        },
        [response](const std::vector<Queue>& queues) {
          for (const Queue& queue : queues) {
            ToProto(queue, response->add_queues());
          }
        });
  });
}

grpc::ServerUnaryReactor* QueuesHandler::UpdateQueue(
    grpc::CallbackServerContext* context, const pb::UpdateQueueRequest* request,
    pb::Queue* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(QueuePatch patch, FromProto(*request));
    SHEAF_ASSIGN_OR_RETURN(const int64_t version, VersionOf(request->etag()));
    return calls_.Write(
        context,
        [name = LastPart(request->name()), patch = std::move(patch), version](
            Tx& tx) { return sheaf::UpdateQueue(tx, name, patch, version); },
        AnswerQueue(response), RoomMakingOf(*context));
  });
}

grpc::ServerUnaryReactor* QueuesHandler::DeleteQueue(
    grpc::CallbackServerContext* context, const pb::DeleteQueueRequest* request,
    pb::DeleteQueueResponse*) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    return calls_.Write(
        context,
        [name = LastPart(request->name())](Tx& tx) {
          return sheaf::DeleteQueue(tx, name);
        },
        kNothing, RoomMakingOf(*context));
  });
}

grpc::ServerUnaryReactor* QueuesHandler::PauseQueue(
    grpc::CallbackServerContext* context, const pb::PauseQueueRequest* request,
    pb::Queue* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    return calls_.Write(
        context,
        [name = LastPart(request->name()), pause = PauseOf(*request)](Tx& tx) {
          return sheaf::PauseQueue(tx, name, pause);
        },
        [this, response](const Queue& queue) {
          ToProto(queue, response);
          if (queue.pause_mode == PauseMode::kNextStep)
            workers_.ReportNowToAll();
        });
  });
}

grpc::ServerUnaryReactor* QueuesHandler::ResumeQueue(
    grpc::CallbackServerContext* context, const pb::ResumeQueueRequest* request,
    pb::Queue* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    return calls_.Write(
        context,
        [name = LastPart(request->name()), actor = request->actor()](Tx& tx) {
          return sheaf::ResumeQueue(tx, name, actor);
        },
        AnswerQueue(response));
  });
}

grpc::ServerUnaryReactor* QueuesHandler::DrainQueue(
    grpc::CallbackServerContext* context, const pb::DrainQueueRequest* request,
    pb::Queue* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    return calls_.Write(
        context,
        [name = LastPart(request->name()), reason = request->reason(),
         actor = request->actor()](Tx& tx) {
          return sheaf::DrainQueue(tx, name, reason, actor);
        },
        AnswerQueue(response));
  });
}

grpc::ServerUnaryReactor* QueuesHandler::PurgeQueue(
    grpc::CallbackServerContext* context, const pb::PurgeQueueRequest* request,
    pb::PurgeQueueResponse* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    return calls_.InSlices(
        context,
        PurgeChange(LastPart(request->name()), request->actor(),
                    request->validate_only()),
        [response](const PurgeChange& purge) {
          response->set_run_count(purge.count());
        });
  });
}

}  // namespace sheaf::server
