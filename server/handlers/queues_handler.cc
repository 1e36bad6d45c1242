#include "server/handlers/queues_handler.h"

#include "base/status.h"
#include "queue/jobs.h"
#include "server/handlers/sliced_call.h"
#include "server/scheduling/workers.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

auto AnswerQueue(pb::Queue* response) {
  return [response](const Queue& queue) { ToProto(queue, response); };
}

struct Purging {
  int64_t count = 0;
  bool more = false;
};

}  // namespace

grpc::ServerUnaryReactor* QueuesHandler::CreateQueue(
    grpc::CallbackServerContext* context, const pb::CreateQueueRequest* request,
    pb::Queue* response) {
  if (absl::Status s = AdmitChange(core_, *context, *request); !s.ok()) {
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
  absl::Status s = AdmitChange(core_, *context, *request);
  const auto patch = FromProto(*request);
  const auto version = VersionOf(request->etag());
  if (s.ok()) s = patch.status();
  if (s.ok()) s = version.status();
  if (!s.ok()) return Refuse(context, s);
  return WriteCall(
      core_, context,
      [name = LastPart(request->name()), patch = *patch, version = *version](
          Tx& tx) { return sheaf::UpdateQueue(tx, name, patch, version); },
      AnswerQueue(response), RoomMakingOf(*context));
}

grpc::ServerUnaryReactor* QueuesHandler::DeleteQueue(
    grpc::CallbackServerContext* context, const pb::DeleteQueueRequest* request,
    pb::DeleteQueueResponse*) {
  if (absl::Status s = AdmitChange(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  return WriteCall(
      core_, context,
      [name = LastPart(request->name())](Tx& tx) -> absl::StatusOr<bool> {
        const absl::Status status = sheaf::DeleteQueue(tx, name);
        if (!status.ok()) return status;
        return true;
      },
      [](bool) {}, RoomMakingOf(*context));
}

grpc::ServerUnaryReactor* QueuesHandler::PauseQueue(
    grpc::CallbackServerContext* context, const pb::PauseQueueRequest* request,
    pb::Queue* response) {
  if (absl::Status s = AdmitChange(core_, *context, *request); !s.ok()) {
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
      },
      CallOf(*context));
}

grpc::ServerUnaryReactor* QueuesHandler::ResumeQueue(
    grpc::CallbackServerContext* context, const pb::ResumeQueueRequest* request,
    pb::Queue* response) {
  if (absl::Status s = AdmitChange(core_, *context, *request); !s.ok()) {
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
  if (absl::Status s = AdmitChange(core_, *context, *request); !s.ok()) {
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
  if (absl::Status s = AdmitChange(core_, *context, *request); !s.ok()) {
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
  return InSlices(
      core_, context, Purging{},
      [name = LastPart(request->name()), actor = request->actor()](
          Tx& tx, Purging* state) -> absl::Status {
        SHEAF_ASSIGN_OR_RETURN(const int count,
                               PurgeSome(tx, name, actor, kRunsPerSlice));
        state->count += count;
        state->more = count == kRunsPerSlice;
        return absl::OkStatus();
      },
      [response](const Purging& state) {
        response->set_run_count(state.count);
        return absl::OkStatus();
      },
      RoomMakingOf(*context));
}

}  // namespace sheaf::server
