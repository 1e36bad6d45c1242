// `sheaf batch profile|forget|explain`: how batches are priced and formed.
#include <map>
#include <ostream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/safe_text.h"
#include "base/status.h"
#include "batching/pricing/profile.h"
#include "cli/commands/batch/batch_commands.h"
#include "cli/support/errors.h"
#include "cli/support/flag_values.h"
#include "cli/support/new_file.h"
#include "cli/support/text.h"
#include "cli/support/tree.h"
#include "sheaf/v1/batching_service.pb.h"

namespace sheaf::cli {
namespace {

struct ProfileArgs {
  std::string file;
  bool measured = false;
  bool force = false;
};

// The measured profiles as one file of profiles, each named by its device,
// model and size.
absl::StatusOr<std::string> MeasuredFile(const v1::BatchProfile& answer) {
  std::map<std::string, batching::Profile> all;
  for (const v1::MeasuredProfile& each : answer.measured()) {
    SHEAF_ASSIGN_OR_RETURN(const auto parsed,
                           batching::ParseProfiles(each.json()));
    batching::Profile profile = parsed.begin()->second;
    profile.name = absl::StrCat(each.device(), "/", each.model(), "/",
                                each.width(), "x", each.height());
    all[profile.name] = std::move(profile);
  }
  if (all.empty()) {
    return absl::NotFoundError(
        "no worker has measured a model yet: sheaf worker measure WORKER");
  }
  return SafeJson(batching::Encode(all)) + "\n";
}

absl::Status WriteMeasured(Context& context, const ProfileArgs& args,
                           const v1::BatchProfile& answer) {
  SHEAF_ASSIGN_OR_RETURN(const std::string text, MeasuredFile(answer));
  if (args.file.empty()) {
    context.out() << text;
    return absl::OkStatus();
  }
  SHEAF_ASSIGN_OR_RETURN(NewFile file, NewFile::Open(args.file, args.force));
  SHEAF_RETURN_IF_ERROR(file.Write(text));
  SHEAF_RETURN_IF_ERROR(file.Keep());
  context.Say(absl::StrCat("Wrote ", args.file,
                           ". To try policies with it: sheaf batch simulate "
                           "TRACE --profile ",
                           args.file));
  return absl::OkStatus();
}

absl::Status RunProfile(Context& context, ProfileArgs& args) {
  if (!args.measured && (!args.file.empty() || args.force)) {
    return UsageError("--output-file and --force need --measured");
  }
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(const auto profile,
                         client->Call<v1::BatchProfile>(
                             absl::StrCat(kBatchingService, "GetBatchProfile"),
                             v1::GetBatchProfileRequest()));
  if (args.measured) return WriteMeasured(context, args, profile);
  if (!context.IsForPeople()) {
    context.MakePrinter().One(profile, {});
    return absl::OkStatus();
  }
  context.out() << "Plans are priced by the profile " << profile.name() << ":\n"
                << profile.json() << "\n\n";
  if (profile.calibrations().empty()) {
    context.out() << "No batch has been measured yet.\n";
    return absl::OkStatus();
  }
  context.MakePrinter().List(profile, "calibrations",
                             {{"DEVICE", "device"},
                              {"MODEL", "model"},
                              {"WIDTH", "width"},
                              {"HEIGHT", "height"},
                              {"CONTROLS", "control_count"},
                              {"BATCHES", "batch_count"},
                              {"CALIBRATED", "calibrated"},
                              {"TIMES", "correction"},
                              {"LOW", "low"},
                              {"HIGH", "high"},
                              {"MEMORY", "recommendation"}});
  return absl::OkStatus();
}

struct ForgetArgs {
  std::string name;
  bool all = false;
};

absl::Status RunForget(Context& context, ForgetArgs& args) {
  if (args.all == !args.name.empty()) {
    return absl::InvalidArgumentError(
        "give either a model or device, or --all");
  }
  v1::ForgetLearnedRequest request;
  request.set_name(args.name);
  request.set_all(args.all);
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(
      const auto answer,
      client->Call<v1::ForgetLearnedResponse>(
          absl::StrCat(kBatchingService, "ForgetLearned"), request));
  if (!context.IsForPeople()) {
    context.MakePrinter().One(answer, {});
    return absl::OkStatus();
  }
  context.out() << "Forgot the learned figures of " << answer.work_count()
                << (answer.work_count() == 1 ? " kind" : " kinds")
                << " of work.\n";
  return absl::OkStatus();
}

struct ExplainArgs {
  std::string run;
  std::string other;
};

absl::Status RunExplain(Context& context, ExplainArgs& args) {
  v1::ExplainRunRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_run(), RunName(args.run));
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_other(), RunName(args.other));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(
      const auto answer,
      client->Call<v1::ExplainRunResponse>(
          absl::StrCat(kBatchingService, "ExplainRun"), request));
  if (context.IsForPeople()) {
    context.out() << PrintableLines(answer.text());
  } else {
    context.MakePrinter().One(answer, {});
  }
  return absl::OkStatus();
}

}  // namespace

void AddPricing(CLI::App& batch, Context& context) {
  const auto [profile, profile_args] = AddVerb(
      batch, context, "profile",
      "Show how batches are priced, and how far that is off", &RunProfile);
  profile->add_flag("--measured", profile_args->measured,
                    "Write the profiles that workers have measured instead, as "
                    "JSON for 'sheaf batch simulate --profile'");
  AddValue(profile, "-O,--output-file", &profile_args->file, "FILE",
           "With --measured: write them to this file");
  profile->add_flag("--force", profile_args->force,
                    "Replace a file that is there");
  const auto [forget, forget_args] =
      AddVerb(batch, context, "forget",
              "Forget the learned figures of a model or a device", &RunForget);
  AddValue(forget, "name", &forget_args->name, "NAME",
           "A model or a device, as runs and workers name it");
  forget->add_flag("--all", forget_args->all, "Forget all learned figures");
  const auto [explain, explain_args] = AddVerb(
      batch, context, "explain",
      "Say why two runs are, or are not, batched together", &RunExplain);
  AddName(explain, "run", &explain_args->run, "RUN",
          "jobs/1/runs/0; of a job alone, its first run");
  AddName(explain, "other", &explain_args->other, "RUN", "jobs/2/runs/0");
}

}  // namespace sheaf::cli
