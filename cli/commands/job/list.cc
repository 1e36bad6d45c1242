// `sheaf job list`.
#include <map>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cli/commands/job/job_commands.h"
#include "cli/commands/watch.h"
#include "cli/support/errors.h"
#include "cli/support/job_pages.h"
#include "cli/support/states.h"
#include "cli/support/tree.h"

namespace sheaf::cli {
namespace {

struct ListArgs {
  std::string filter;
  std::string state;
  std::string queue;
  int64_t limit = 50;
  bool oldest_first = false;
  bool watch = false;
  std::string interval = "2s";
};

// Pages until `limit` jobs are there (0: all of them). The token stays in the
// answer when there is more.
absl::StatusOr<v1::ListJobsResponse> ListJobs(Client& client,
                                              v1::ListJobsRequest request,
                                              int64_t limit) {
  v1::ListJobsResponse all;
  SHEAF_ASSIGN_OR_RETURN(
      *all.mutable_next_page_token(),
      EachJobPage(client, std::move(request), limit,
                  [&all](v1::ListJobsResponse& page) {
                    for (v1::Job& job : *page.mutable_jobs()) {
                      *all.add_jobs() = std::move(job);
                    }
                  }));
  return all;
}

// On a terminal this draws the table again each time; elsewhere each job that
// is new or has changed becomes a JSON line.
absl::Status Watch(Context& context, Client& client,
                   const v1::ListJobsRequest& request, const ListArgs& args) {
  std::map<std::string, std::string> etags;
  return DrawAgainAndAgain(context, args.interval, [&]() -> absl::Status {
    SHEAF_ASSIGN_OR_RETURN(const auto jobs,
                           ListJobs(client, request, args.limit));
    if (context.environment().out_is_terminal) {
      ClearScreen(context);
      context.MakePrinter().List(jobs, "jobs", JobColumns());
      return absl::OkStatus();
    }
    std::map<std::string, std::string> seen;
    for (const v1::Job& job : jobs.jobs()) {
      seen[job.name()] = job.etag();
      const auto known = etags.find(job.name());
      if (known != etags.end() && known->second == job.etag()) continue;
      context.out() << ToJson(job, /*pretty=*/false) << '\n';
    }
    etags = std::move(seen);
    return absl::OkStatus();
  });
}

absl::Status RunJobList(Context& context, ListArgs& args) {
  v1::ListJobsRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_filter(),
                         JobFilter(args.filter, args.state, args.queue));
  if (args.oldest_first) request.set_order_by("create_time");
  if (args.limit < 0) return UsageError("--limit must not be negative");
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  if (args.watch) return Watch(context, *client, request, args);
  SHEAF_ASSIGN_OR_RETURN(const auto jobs,
                         ListJobs(*client, request, args.limit));
  context.MakePrinter().List(jobs, "jobs", JobColumns());
  if (!jobs.next_page_token().empty()) {
    context.Say(absl::StrCat("There are more jobs: --limit ", args.limit * 2,
                             ", or --limit 0 for all."));
  } else if (jobs.jobs().empty()) {
    context.Say("No jobs. Submit one: sheaf job submit --prompt 'a red fox'");
  }
  return absl::OkStatus();
}

}  // namespace

void AddJobList(CLI::App& job, Context& context) {
  const auto [verb, args] =
      AddVerb(job, context, "list", "List jobs, newest first", &RunJobList);
  AddValue(verb, "--filter", &args->filter, "FILTER",
           "E.g. 'state = FAILED AND labels.team = \"art\"'");
  AddValue(verb, "--state", &args->state, StateChoices(),
           "Only jobs in this state");
  AddValue(verb, "--queue", &args->queue, "QUEUE", "Only jobs of this queue");
  verb->add_option("--limit", args->limit, "Most jobs to list; 0: all [50]")
      ->type_name("NUMBER");
  verb->add_flag("--oldest-first", args->oldest_first,
                 "List the oldest jobs first");
  verb->add_flag(
      "--watch", args->watch,
      "List again and again; as JSON Lines if the output is no terminal");
  AddValue(verb, "--interval", &args->interval, "DURATION",
           "Pause between two lists with --watch [2s]");
}

}  // namespace sheaf::cli
