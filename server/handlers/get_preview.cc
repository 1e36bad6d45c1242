// JobsHandler: GetPreview.
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/jobs.h"
#include "server/handlers/calls.h"
#include "server/handlers/jobs_handler.h"
#include "server/telemetry/previews.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

const char* WhyNone(const Run& run) {
  if (IsFinal(run.state)) return " has ended, and its previews are gone";
  if (run.state != RunState::kRunning) return " is not running yet";
  return " has no preview yet";
}

absl::StatusOr<RunPreview> FindPreview(View& view, const PreviewBoard& previews,
                                       const std::string& name) {
  SHEAF_ASSIGN_OR_RETURN(const RunId id, RunNamed(name));
  SHEAF_ASSIGN_OR_RETURN(const Run run, FindRunOrError(view, id));
  if (run.state == RunState::kRunning) {
    if (auto preview = previews.Find(id)) return *std::move(preview);
  }
  return WithSubject(
      Error(Reason::kPreviewNotFound, absl::StrCat(name, WhyNone(run))), name);
}

}  // namespace

grpc::ServerUnaryReactor* JobsHandler::GetPreview(
    grpc::CallbackServerContext* context, const pb::GetPreviewRequest* request,
    pb::Preview* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    return calls_.Read(
        context,
        [this, name = request->run()](View& view) {
          return FindPreview(view, *parts_.previews, name);
        },
        [response, name = request->run()](const RunPreview& preview) {
          response->set_run(name);
          response->set_step(preview.step);
          response->set_image(*preview.png);
          SetTime(preview.time, response->mutable_update_time());
        });
  });
}

}  // namespace sheaf::server
