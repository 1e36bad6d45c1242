// `sheaf trace record`: records the jobs of a live server as a trace to try
// policies on.
#include <algorithm>
#include <deque>
#include <map>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "batching/simulate/trace.h"
#include "cli/commands/commands.h"
#include "cli/support/errors.h"
#include "cli/support/flag_values.h"
#include "cli/support/job_pages.h"
#include "cli/support/new_file.h"
#include "cli/support/progress_bar.h"
#include "cli/support/tree.h"

namespace sheaf::cli {
namespace {

// A run may bring a prompt of 64 KiB, and a message holds 64 MiB at most.
constexpr int kRunsPerPage = 500;

struct RecordArgs {
  std::string file;
  std::string queue;
  std::string since;
  int64_t last = 0;
  bool force = false;
};

// Gives the same number to the same text: a trace shows which texts are the
// same, but not the texts.
class Numbers {
 public:
  size_t Of(const std::string& text) {
    return numbers_.try_emplace(text, numbers_.size() + 1).first->second;
  }

 private:
  std::map<std::string, size_t> numbers_;
};

// The facts of a job that a trace keeps. Small, because a server may have a
// million jobs.
struct JobHead {
  std::string name;
  std::string kind;
  std::string owner;
  Priority priority = Priority::kNormal;
  absl::Time arrival;
  absl::Time deadline = absl::InfiniteFuture();

  // The facts that all its runs share; times count from `first`.
  batching::TraceRun Line(absl::Time first) const {
    batching::TraceRun line;
    line.job = name;
    line.kind = kind;
    line.owner = owner;
    line.priority = priority;
    line.arrival_ms = absl::ToInt64Milliseconds(arrival - first);
    if (deadline != absl::InfiniteFuture()) {
      line.deadline_ms = absl::ToInt64Milliseconds(deadline - first);
    }
    return line;
  }
};

std::optional<double> OrNothing(bool has, double value) {
  return has ? std::optional<double>(value) : std::nullopt;
}

batching::TraceRun WithRequest(batching::TraceRun line,
                               const v1::RunRequest& request, Numbers* extras) {
  RunParams& params = line.params;
  if (request.has_model()) params.model = request.model();
  if (request.has_vae()) params.vae = request.vae();
  if (request.has_sampler()) params.sampler = request.sampler();
  if (request.has_width()) params.width = request.width();
  if (request.has_height()) params.height = request.height();
  if (request.has_steps()) params.steps = request.steps();
  if (request.has_seed()) params.seed = request.seed();
  params.guidance = OrNothing(request.has_guidance(), request.guidance());
  for (const v1::Control& theirs : request.controls()) {
    Control& control = params.controls.emplace_back();
    control.type = theirs.type();
    control.weight = OrNothing(theirs.has_weight(), theirs.weight());
    control.start = OrNothing(theirs.has_start(), theirs.start());
    control.end = OrNothing(theirs.has_end(), theirs.end());
  }
  params.weights = {request.weights().begin(), request.weights().end()};
  std::map<std::string, std::string> extra(request.extra().begin(),
                                           request.extra().end());
  std::erase_if(extra,
                [](const auto& each) { return !BindsBatch(each.first); });
  if (!extra.empty()) {
    const auto text = [](std::string* out, const auto& entry) {
      absl::StrAppend(out, entry.first, "=", entry.second);
    };
    params.extra["extra"] =
        absl::StrCat(extras->Of(absl::StrJoin(extra, "\n", text)));
  }
  return line;
}

class Recorder {
 public:
  Recorder(Client* client, ProgressBar* bar) : client_(*client), bar_(*bar) {}

  // The jobs, oldest first.
  absl::Status List(const RecordArgs& args);
  absl::Status WriteTo(NewFile* file);

  int64_t runs() const { return runs_; }
  size_t jobs() const { return jobs_.size() - gone_; }
  size_t gone() const { return gone_; }

 private:
  void Add(const v1::Job& job);
  absl::Status WriteJob(const JobHead& job, NewFile* file);

  Client& client_;
  ProgressBar& bar_;
  Numbers owners_;
  Numbers extras_;
  std::deque<JobHead> jobs_;
  absl::Time first_ = absl::InfiniteFuture();  // arrival
  int64_t runs_expected_ = 0;
  int64_t runs_ = 0;
  size_t gone_ = 0;
};

absl::Status Recorder::List(const RecordArgs& args) {
  std::string filter;
  if (!args.since.empty()) {
    const absl::Time now = absl::Now();
    // "2h" is two hours ago.
    const auto ago = ParseDuration(args.since);
    absl::Time since;
    if (ago.ok()) {
      since = now - *ago;
    } else {
      SHEAF_ASSIGN_OR_RETURN(since, ParseTime(args.since, now));
    }
    filter = absl::StrCat(
        "create_time >= \"",
        absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", since, absl::UTCTimeZone()),
        "\"");
  }
  v1::ListJobsRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_filter(),
                         JobFilter(filter, "", args.queue));
  if (args.last == 0) request.set_order_by("create_time");
  const auto left = EachJobPage(
      client_, std::move(request), args.last, [&](v1::ListJobsResponse& page) {
        for (const v1::Job& job : page.jobs()) Add(job);
        bar_.Draw(0, absl::StrCat(jobs_.size(), " jobs found"), absl::Now());
      });
  if (args.last != 0) std::reverse(jobs_.begin(), jobs_.end());
  return left.status();
}

void Recorder::Add(const v1::Job& job) {
  JobHead& head = jobs_.emplace_back();
  head.name = job.name();
  head.arrival = FromProto(job.run_time());
  head.kind = job.kind();
  head.priority = static_cast<Priority>(job.priority());
  if (!job.owner().empty()) {
    head.owner = absl::StrCat("owner-", owners_.Of(job.owner()));
  }
  if (job.has_start_deadline()) head.deadline = FromProto(job.start_deadline());
  first_ = std::min(first_, head.arrival);
  runs_expected_ += job.run_count();
}

absl::Status Recorder::WriteTo(NewFile* file) {
  if (jobs_.empty()) {
    return absl::NotFoundError("there are no such jobs to record");
  }
  SHEAF_RETURN_IF_ERROR(file->Write(batching::TraceHeader()));
  for (const JobHead& job : jobs_) {
    const absl::Status status = WriteJob(job, file);
    // The job's retention ended meanwhile.
    if (absl::IsNotFound(status)) {
      ++gone_;
    } else if (!status.ok()) {
      return status;
    }
  }
  if (runs_ == 0) {
    return absl::NotFoundError("all jobs to record have been deleted");
  }
  return file->Keep();
}

absl::Status Recorder::WriteJob(const JobHead& job, NewFile* file) {
  batching::TraceRun line = job.Line(first_);
  v1::ListRunsRequest request;
  request.set_job(job.name);
  request.set_page_size(kRunsPerPage);
  do {
    SHEAF_ASSIGN_OR_RETURN(const auto page,
                           client_.Call<v1::ListRunsResponse>(
                               "sheaf.v1.JobService/ListRuns", request));
    std::string csv;
    for (const v1::Run& run : page.runs()) {
      line.run = run.index();
      batching::AppendTraceLine(WithRequest(line, run.request(), &extras_),
                                &csv);
    }
    SHEAF_RETURN_IF_ERROR(file->Write(csv));
    runs_ += page.runs_size();
    bar_.Draw(static_cast<double>(runs_) /
                  static_cast<double>(std::max<int64_t>(1, runs_expected_)),
              absl::StrCat(runs_, " of ", runs_expected_, " runs"),
              absl::Now());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::Status RunRecord(Context& context, RecordArgs& args) {
  if (args.last < 0) return UsageError("--last must not be negative");
  SHEAF_ASSIGN_OR_RETURN(NewFile file, NewFile::Open(args.file, args.force));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  ProgressBar bar(context.environment().err_is_terminal && !context.quiet
                      ? &context.err()
                      : nullptr);
  Recorder recorder(client, &bar);
  SHEAF_RETURN_IF_ERROR(recorder.List(args));
  SHEAF_RETURN_IF_ERROR(recorder.WriteTo(&file));
  bar.Clear();
  context.Say(absl::StrCat("Wrote ", args.file, ": ", recorder.runs(),
                           " runs of ", recorder.jobs(), " jobs."));
  if (recorder.gone() > 0) {
    context.Say(absl::StrCat(recorder.gone(),
                             " jobs were deleted while it was written."));
  }
  context.Say(
      "Left out: prompts, pictures, strengths, LoRAs, labels; owners and extra "
      "values are numbers.");
  context.Say(absl::StrCat("To try it: sheaf batch simulate ", args.file,
                           " --profile FILE --arrivals recorded"));
  return absl::OkStatus();
}

}  // namespace

void AddTraceCommands(CLI::App& app, Context& context) {
  CLI::App& trace = AddNoun(
      app, "trace", "Record the requests to a server, to try policies on them");
  const auto [record, args] =
      AddVerb(trace, context, "record", "Write the jobs of a server as a trace",
              &RunRecord);
  AddName(record, "file", &args->file, "FILE", "CSV file to write");
  AddValue(record, "--queue", &args->queue, "QUEUE", "Only jobs of this queue");
  CLI::Option* since =
      AddValue(record, "--since", &args->since, "TIME",
               "Only jobs submitted after this time: 2h (ago) or RFC 3339");
  record
      ->add_option("--last", args->last,
                   "Only this many of the newest jobs; 0: all")
      ->type_name("NUMBER")
      ->excludes(since);
  record->add_flag("--force", args->force, "Replace an existing file");
  record->footer(
      "Prompts, pictures, strengths, LoRAs and labels are left out; owners "
      "and\n"
      "extra values become numbers. Example:\n"
      "sheaf trace record today.csv --since 24h");
}

}  // namespace sheaf::cli
