// `sheaf job submit`.
#include <deque>
#include <fstream>
#include <istream>
#include <map>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status.h"
#include "cli/commands/job/download.h"
#include "cli/commands/job/follow.h"
#include "cli/commands/job/job_commands.h"
#include "cli/commands/job/queue_size.h"
#include "cli/commands/job/submit_flags.h"
#include "cli/support/errors.h"
#include "cli/support/flag_values.h"
#include "cli/support/prompts_file.h"
#include "cli/support/takers.h"
#include "cli/support/transfer.h"
#include "cli/support/tree.h"
#include "queue/run_fields.h"

namespace sheaf::cli {
namespace {

struct SubmitArgs {
  SubmitFlags flags;
  // CLI11 puts the text of the flags that set one run field here, and keeps
  // pointers to the elements.
  std::deque<std::pair<std::string, std::string>> fields;
  std::vector<std::string> images;
  std::vector<std::string> controls;
  std::vector<std::string> loras;
  std::string file;
  std::string json;
  std::string batch_size;
  std::string directory;
  bool force = false;
  bool wait = false;
  bool watch = false;

  bool is_new = false;  // no earlier submit has this request id

  bool Waits() const { return wait || watch || !directory.empty(); }
};

// The text of a file, or of standard input for "-".
absl::StatusOr<std::string> ReadInput(Context& context,
                                      const std::string& path) {
  std::ifstream file;
  std::istream* in = context.environment().in;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) return UsageError(absl::StrCat("cannot read ", path));
    in = &file;
  }
  std::string text;
  std::string chunk(64 << 10, '\0');
  while (in->read(chunk.data(), static_cast<std::streamsize>(chunk.size())) ||
         in->gcount() > 0) {
    text.append(chunk, 0, static_cast<size_t>(in->gcount()));
    if (text.size() > kPromptsBytesMax) {
      return UsageError(absl::StrCat(path, " is larger than ",
                                     kPromptsBytesMax >> 20, " MiB"));
    }
  }
  if (in->bad()) return UsageError(absl::StrCat("cannot read ", path));
  return text;
}

absl::StatusOr<v1::SubmitJobRequest> MakeRequest(Context& context,
                                                 SubmitArgs& args) {
  v1::SubmitJobRequest request;
  if (!args.json.empty()) {
    SHEAF_ASSIGN_OR_RETURN(const std::string text,
                           ReadInput(context, args.json));
    SHEAF_ASSIGN_OR_RETURN(request, ParseSubmitJson(text));
  }
  if (!args.file.empty()) {
    SHEAF_ASSIGN_OR_RETURN(const std::string text,
                           ReadInput(context, args.file));
    SHEAF_ASSIGN_OR_RETURN(
        auto runs, ParsePrompts(args.file, GuessPromptsFormat(args.file, text),
                                text, [&](std::string* picture) {
                                  return FindPictureBeside(args.file, picture);
                                }));
    for (v1::RunRequest& run : runs) {
      *request.mutable_job()->add_runs() = std::move(run);
    }
  }
  SubmitFlags& flags = args.flags;
  flags.fields.assign(args.fields.begin(), args.fields.end());
  for (const auto& text : args.images) flags.fields.emplace_back("image", text);
  for (const auto& text : args.controls) {
    flags.fields.emplace_back("control", text);
  }
  for (const auto& text : args.loras) flags.fields.emplace_back("lora", text);
  if (flags.queue.empty() && request.job().queue().empty()) {
    flags.queue = context.Setting("queue");
  }
  if (flags.owner.empty() && request.job().owner().empty()) {
    flags.owner = context.Setting("owner");
  }
  if (flags.request_id.empty() && request.request_id().empty()) {
    flags.request_id = NewRequestId();
    args.is_new = true;
  }
  SHEAF_RETURN_IF_ERROR(ApplySubmitFlags(flags, absl::Now(), &request));
  return request;
}

void SayWhatNext(Context& context, const v1::SubmitJobResponse& response) {
  const v1::Job& job = response.job();
  const std::string id = JobIdText(job.name());
  context.Say(absl::StrCat(response.replayed()
                               ? "An earlier submit with this request id made "
                               : "Submitted ",
                           job.name(), " (", job.run_count(),
                           job.run_count() == 1 ? " run" : " runs",
                           "). Follow it: sheaf job watch ", id));
}

// For the case that this command does not come to its end.
void SayHowToGoOn(Context& context, const SubmitArgs& args,
                  const v1::Job& job) {
  std::string line = absl::StrCat("Submitted ", job.name(), ".");
  if (!args.directory.empty()) {
    absl::StrAppend(&line,
                    " If this is interrupted, its pictures come by: sheaf job "
                    "get ",
                    JobIdText(job.name()), " --download ", args.directory);
  }
  context.Say(line);
}

// A job that an earlier submit made may have ended.
void SayIfItsRunsStay(Context& context, const v1::SubmitJobRequest& request,
                      const v1::SubmitJobResponse& response) {
  if (HasEnded(response.job())) return;
  SayIfNobodyTakes(context, WorksOf(request.job()));
}

absl::Status CheckTogether(const SubmitArgs& args) {
  if (!args.file.empty() && !args.json.empty()) {
    return UsageError("--file and --json exclude each other");
  }
  if (args.json.empty() && args.file.empty() && args.flags.prompts.empty() &&
      args.flags.sweeps.empty() && args.flags.kind.empty()) {
    return UsageError("nothing to do: give a --prompt, a --file or a --json");
  }
  if (args.force && args.directory.empty()) {
    return UsageError("--force needs --output-dir");
  }
  return absl::OkStatus();
}

// Makes what the job needs: a directory for its pictures, pictures that it
// names, the batch size.
absl::Status Prepare(Context& context, const SubmitArgs& args,
                     v1::SubmitJobRequest* request) {
  int size = 0;
  if (!args.batch_size.empty() &&
      (!absl::SimpleAtoi(args.batch_size, &size) || size < 1)) {
    return UsageError(absl::StrCat("--batch-size must be 1 or more, not '",
                                   args.batch_size, "'"));
  }
  if (!args.directory.empty() && !request->validate_only()) {
    // A submit that is tried again finds its own pictures.
    if (!args.force && args.is_new) {
      SHEAF_RETURN_IF_ERROR(CheckHoldsNoPictures(args.directory));
    }
    SHEAF_RETURN_IF_ERROR(OutputDirectory::Open(args.directory).status());
  }
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_RETURN_IF_ERROR(UploadPictures(*client, request->mutable_job()));
  if (size == 0 || request->validate_only()) return absl::OkStatus();
  const std::string& queue = request->job().queue();
  return UseBatchSize(context, queue.empty() ? "queues/default" : queue, size);
}

absl::StatusOr<v1::SubmitJobResponse> Submit(
    Context& context, const v1::SubmitJobRequest& request) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  auto answer = client->Call<v1::SubmitJobResponse>(
      "sheaf.v1.JobService/SubmitJob", request);
  if (absl::IsUnavailable(answer.status()) ||
      absl::IsDeadlineExceeded(answer.status())) {
    context.Say(
        absl::StrCat("The job may have been submitted all the same. To try "
                     "again without making a second job, add: --request-id ",
                     request.request_id()));
  }
  return answer;
}

// Waits for the job, and downloads its pictures if a directory was named.
absl::Status Await(Context& context, const SubmitArgs& args,
                   const std::string& name) {
  SHEAF_ASSIGN_OR_RETURN(const v1::Job job,
                         FollowJob(context, name, args.watch));
  context.MakePrinter().One(job, JobColumns());
  if (!args.directory.empty()) {
    SHEAF_RETURN_IF_ERROR(DownloadOutputs(
        context, name, args.directory, args.force, [](const std::string&) {}));
  }
  return OutcomeOf(job);
}

absl::Status RunSubmit(Context& context, SubmitArgs& args) {
  SHEAF_RETURN_IF_ERROR(CheckTogether(args));
  SHEAF_ASSIGN_OR_RETURN(v1::SubmitJobRequest request,
                         MakeRequest(context, args));
  SHEAF_RETURN_IF_ERROR(Prepare(context, args, &request));
  SHEAF_ASSIGN_OR_RETURN(const auto response, Submit(context, request));
  const v1::Job& job = response.job();
  if (request.validate_only()) {
    context.MakePrinter().One(job, JobColumns());
    context.Say("Dry run: the job is valid, nothing was submitted.");
    SayIfItsRunsStay(context, request, response);
    return absl::OkStatus();
  }
  if (args.Waits()) {
    SayHowToGoOn(context, args, job);
  } else {
    context.MakePrinter().One(job, JobColumns());
    SayWhatNext(context, response);
  }
  SayIfItsRunsStay(context, request, response);
  return args.Waits() ? Await(context, args, job.name()) : absl::OkStatus();
}

// The fields that hold many values have flags that may be repeated.
std::vector<std::string>* TextsOf(std::vector<std::string> RunParams::*,
                                  SubmitArgs* args) {
  return &args->images;
}
std::vector<std::string>* TextsOf(std::vector<Control> RunParams::*,
                                  SubmitArgs* args) {
  return &args->controls;
}
std::vector<std::string>* TextsOf(std::vector<Lora> RunParams::*,
                                  SubmitArgs* args) {
  return &args->loras;
}
std::vector<std::string>* TextsOf(std::map<std::string, double> RunParams::*,
                                  SubmitArgs* args) {
  return &args->flags.weights;
}
std::vector<std::string>* TextsOf(
    std::map<std::string, std::string> RunParams::*, SubmitArgs* args) {
  return &args->flags.extra;
}

template <class T>
void AddRunFlag(CLI::App* verb, const RunField<T>& field, SubmitArgs* args) {
  const std::string flag(field.flag);
  const std::string value(field.value);
  const std::string help(field.help);
  if constexpr (!kIsSingle<T>) {
    AddValues(verb, flag, TextsOf(field.member, args), value, help);
  } else if (field.name == "prompt") {
    // Several are runs of their own.
    AddValues(verb, flag, &args->flags.prompts, value, help);
  } else if (verb->get_option_no_throw(flag) == nullptr) {
    // A width and a height share a flag, and the name that the flag has.
    const std::string name =
        value == "WxH" ? absl::StrReplaceAll(flag.substr(2), {{"-", "_"}})
                       : std::string(field.name);
    auto& text = args->fields.emplace_back(name, "");
    AddValue(verb, flag, &text.second, value, help);
  }
}

void AddRunFlags(CLI::App* verb, SubmitArgs* args) {
  ForEachRunField([&](const auto& field) { AddRunFlag(verb, field, args); });
  AddValues(verb, "--sweep", &args->flags.sweeps, "FIELD=VALUES",
            "seed=1..8, guidance=5,7.5,9; if repeated, every combination");
  verb->add_flag("--zip", args->flags.zip,
                 "Combine the sweeps value by value instead");
  AddValue(verb, "-n,--count", &args->flags.count, "NUMBER",
           "Runs of each prompt, with seeds that count up from --seed [1]");
}

void AddJobFlags(CLI::App* verb, SubmitArgs* args) {
  SubmitFlags& flags = args->flags;
  AddValue(verb, "--queue", &flags.queue, "QUEUE", "Queue [default]");
  AddValue(verb, "--kind", &flags.kind, "KIND", "Kind of job [inference]");
  AddValue(verb, "--priority", &flags.priority, "low|normal|high|urgent",
           "Priority of the job [normal]");
  AddValue(verb, "--owner", &flags.owner, "TEXT", "Owner of the job");
  AddValues(verb, "--label", &flags.labels, "KEY=VALUE",
            "Label; may be repeated");
  AddValue(verb, "--run-at", &flags.run_at, "TIME",
           "Start no run before this time: +5m or RFC 3339");
  AddValue(verb, "--start-deadline", &flags.start_deadline, "TIME",
           "Fail runs that have not started by then");
  AddValue(verb, "--attempts", &flags.attempts, "NUMBER",
           "Most attempts for each run");
  AddValue(verb, "--request-id", &flags.request_id, "ID",
           "Submits with the same id make one job [a new UUID]");
}

}  // namespace

void AddJobSubmit(CLI::App& job, Context& context) {
  const auto [verb, args] =
      AddVerb(job, context, "submit", "Submit a job", &RunSubmit);
  AddRunFlags(verb, args);
  AddJobFlags(verb, args);
  AddValue(verb, "--file", &args->file, "FILE",
           "File with one run per line: JSON Lines, or CSV with named columns; "
           "- reads standard input");
  AddValue(verb, "--json", &args->json, "FILE",
           "File with the API JSON of a JobSpec or SubmitJobRequest; flags "
           "change it");
  verb->add_flag("--dry-run", args->flags.dry_run,
                 "Check everything, submit nothing");
  AddValue(verb, "--batch-size", &args->batch_size, "COUNT",
           "Set the queue's batch size, if no other runs are in the queue");
  AddValue(verb, "--output-dir", &args->directory, "DIR",
           "Wait, then write the pictures as run-INDEX-NAME.ext into this "
           "directory");
  verb->add_flag("--force", args->force,
                 "With --output-dir: replace files that differ");
  verb->add_flag("--wait", args->wait, "Wait until the job has ended");
  verb->add_flag("--watch", args->watch, "Wait, and print its events");
  verb->footer(
      "Examples:\n"
      "  sheaf job submit --prompt 'a red fox' --size 512x512 --wait\n"
      "  sheaf job submit --prompt 'a red fox' -n 8 --seed 100\n"
      "  sheaf job submit --prompt 'a fox' --sweep seed=1..8 --sweep "
      "guidance=5,7.5\n"
      "  sheaf job submit --prompt 'a hall' --control depth:0.8:depth.png\n"
      "  sheaf job submit --prompt 'a hall' --control "
      "edge=canny:0.8:photo.jpg\n"
      "  sheaf job submit --prompt 'a (red:1.3) fox' --emphasis on "
      "--clip-skip 1\n"
      "  sheaf job submit --file prompts.csv --steps 20 --priority high\n"
      "  sheaf job submit --file prompts.jsonl --batch-size 4 --output-dir "
      "out");
}

}  // namespace sheaf::cli
