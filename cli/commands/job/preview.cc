// `sheaf job preview`.
#include <ostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/status.h"
#include "cli/commands/job/job_commands.h"
#include "cli/support/flag_values.h"
#include "cli/support/new_file.h"
#include "cli/support/states.h"
#include "cli/support/tree.h"
#include "sheaf/v1/job_service.pb.h"

namespace sheaf::cli {
namespace {

// Workers show a new preview once a second at the most.
constexpr absl::Duration kLookAgain = absl::Milliseconds(500);

struct PreviewArgs {
  std::string job;
  std::string run;
  std::string file;
  bool follow = false;
};

absl::StatusOr<v1::Preview> GetPreview(Client& client, const std::string& run) {
  v1::GetPreviewRequest request;
  request.set_run(run);
  return client.Call<v1::Preview>("sheaf.v1.JobService/GetPreview", request);
}

absl::StatusOr<bool> RunHasEnded(Client& client, const std::string& name) {
  v1::GetRunRequest request;
  request.set_name(name);
  SHEAF_ASSIGN_OR_RETURN(
      const v1::Run run,
      client.Call<v1::Run>("sheaf.v1.JobService/GetRun", request));
  return IsFinalState(run.state());
}

// "jobs/42/runs/0" as "42-0-preview.png".
std::string FileNameFor(const std::string& run) {
  return absl::StrCat(
      absl::StrReplaceAll(absl::StripPrefix(run, "jobs/"), {{"/runs/", "-"}}),
      "-preview.png");
}

// A viewer of the file always sees a whole picture: each new one replaces the
// one before.
absl::Status Put(Context& context, const v1::Preview& preview,
                 const std::string& path) {
  if (path == "-") {
    context.out() << preview.image() << std::flush;
    return absl::OkStatus();
  }
  SHEAF_ASSIGN_OR_RETURN(NewFile file, NewFile::Open(path, /*overwrite=*/true));
  SHEAF_RETURN_IF_ERROR(file.Write(preview.image()));
  SHEAF_RETURN_IF_ERROR(file.Keep());
  context.out() << path << "  step " << preview.step() << "\n" << std::flush;
  return absl::OkStatus();
}

// Shows each new preview until the run has ended. Where none came, returns the
// server's error.
absl::Status Follow(Context& context, Client& client, const std::string& run,
                    const std::string& path) {
  int step = 0;
  while (context.out()) {
    const auto preview = GetPreview(client, run);
    if (preview.ok()) {
      // A run that starts again has earlier steps.
      if (preview->step() != step) {
        SHEAF_RETURN_IF_ERROR(Put(context, *preview, path));
      }
      step = preview->step();
    } else if (!absl::IsNotFound(preview.status())) {
      return preview.status();
    } else {
      SHEAF_ASSIGN_OR_RETURN(const bool ended, RunHasEnded(client, run));
      if (ended) return step > 0 ? absl::OkStatus() : preview.status();
    }
    absl::SleepFor(kLookAgain);
  }
  return absl::OkStatus();
}

absl::Status RunJobPreview(Context& context, PreviewArgs& args) {
  std::string run;
  if (args.run.empty()) {
    SHEAF_ASSIGN_OR_RETURN(run, RunName(args.job));
  } else {
    SHEAF_ASSIGN_OR_RETURN(const std::string job, JobName(args.job));
    int index = 0;
    if (!absl::SimpleAtoi(args.run, &index) || index < 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--run must be the number of a run, from 0, not '", args.run, "'"));
    }
    run = absl::StrCat(job, "/runs/", index);
  }
  const std::string path = args.file.empty() ? FileNameFor(run) : args.file;
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  if (args.follow) return Follow(context, *client, run, path);
  SHEAF_ASSIGN_OR_RETURN(const v1::Preview preview, GetPreview(*client, run));
  return Put(context, preview, path);
}

}  // namespace

void AddJobPreview(CLI::App& job, Context& context) {
  const auto [verb, args] =
      AddVerb(job, context, "preview",
              "Show the unfinished picture of a running run", &RunJobPreview);
  AddName(verb, "job", &args->job, "JOB",
          "Job of the run, or the run itself (42/runs/3)");
  AddValue(verb, "--run", &args->run, "N",
           "Number of the run in the job; default: 0");
  AddValue(verb, "-O,--output-file", &args->file, "FILE",
           "File for the PNG, - for standard output; default: "
           "JOB-RUN-preview.png in this directory");
  verb->add_flag("--follow", args->follow,
                 "Write each new preview to the file until the run has ended");
  verb->footer(
      "An existing file is overwritten. The server's setting preview_steps "
      "says how often a new preview comes.");
}

}  // namespace sheaf::cli
