#include "cli/commands/job/queue_size.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status.h"
#include "sheaf/v1/queue_service.pb.h"

namespace sheaf::cli {
namespace {

std::string SetCommand(const std::string& queue, int size) {
  return absl::StrCat("sheaf queue set ", absl::StripPrefix(queue, "queues/"),
                      " --batch-size ", size);
}

}  // namespace

absl::Status UseBatchSize(Context& context, const std::string& queue,
                          int size) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  v1::GetQueueRequest request;
  request.set_name(queue);
  SHEAF_ASSIGN_OR_RETURN(
      const auto present,
      client->Call<v1::Queue>("sheaf.v1.QueueService/GetQueue", request));
  const int old_size = present.settings().batch_size();
  if (old_size == size) return absl::OkStatus();
  if (present.queued_run_count() + present.running_run_count() > 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the batch size of ", queue, " is ", old_size,
                     ", and other runs are in it. To change it for them, too: ",
                     SetCommand(queue, size)));
  }
  v1::UpdateQueueRequest update;
  update.set_name(queue);
  update.set_etag(present.etag());
  update.mutable_settings()->set_batch_size(size);
  update.mutable_update_mask()->add_paths("batch_size");
  SHEAF_RETURN_IF_ERROR(
      client->Call<v1::Queue>("sheaf.v1.QueueService/UpdateQueue", update)
          .status());
  context.Say(absl::StrCat(
      "Set the batch size of ", queue, " to ", size,
      ", also for later jobs. To set it back: ", SetCommand(queue, old_size)));
  return absl::OkStatus();
}

}  // namespace sheaf::cli
