// `sheaf doctor`: says what is wrong, why, and what to do about it.
#include <algorithm>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/safe_text.h"
#include "base/status.h"
#include "base/version.h"
#include "cli/commands/commands.h"
#include "cli/support/errors.h"
#include "cli/support/flag_values.h"
#include "cli/support/takers.h"
#include "cli/support/text.h"
#include "cli/support/tree.h"
#include "google/protobuf/struct.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "sheaf/v1/admin_service.pb.h"
#include "sheaf/v1/job_service.pb.h"
#include "sheaf/v1/queue_service.pb.h"

namespace sheaf::cli {
namespace {

// Clocks further apart than this make times in lists hard to believe.
constexpr absl::Duration kClockGapMax = absl::Seconds(5);
constexpr int64_t kDiskFreeMin = int64_t{1} << 30;
// So many of the oldest waiting jobs are looked at.
constexpr int kWaitingJobsMax = 50;
constexpr size_t kJobsNamed = 5;

// The checks so far. `remedy` is set where something should be done;
// `serious` ones make the command fail.
class Report {
 public:
  void Good(const std::string& check, const std::string& finding) {
    Add(check, "ok", finding, "");
  }
  void Note(const std::string& check, const std::string& finding,
            const std::string& remedy) {
    Add(check, "note", finding, remedy);
  }
  void Bad(const std::string& check, const std::string& finding,
           const std::string& remedy) {
    Add(check, "problem", finding, remedy);
    ++problem_count_;
  }
  int problem_count() const { return problem_count_; }

  void Print(Context& context) const {
    const Format format = FormatFromText(context.Setting("output"));
    if (format == Format::kJson || format == Format::kJsonl) {
      context.out() << ToJson(checks_, format == Format::kJson)
                    << (format == Format::kJsonl ? "\n" : "");
      return;
    }
    for (const auto& item : checks_.values()) {
      const auto text = [&](const char* key) {
        return Printable(item.struct_value().fields().at(key).string_value());
      };
      const std::string remedy = text("remedy");
      context.out() << text("result") << "  " << text("check") << ": "
                    << text("finding") << "\n";
      if (!remedy.empty()) context.out() << "    -> " << remedy << "\n";
    }
  }

 private:
  void Add(const std::string& check, const std::string& result,
           const std::string& finding, const std::string& remedy) {
    auto* fields =
        checks_.add_values()->mutable_struct_value()->mutable_fields();
    (*fields)["check"].set_string_value(check);
    (*fields)["result"].set_string_value(result);
    (*fields)["finding"].set_string_value(finding);
    (*fields)["remedy"].set_string_value(remedy);
  }

  google::protobuf::ListValue checks_;
  int problem_count_ = 0;
};

std::string Words(const absl::Status& status) {
  return std::string(status.message());
}

// False if no server answers, so that there is no more to ask.
bool CheckHealth(Client& client, Report* report) {
  const auto health = client.Call<grpc::health::v1::HealthCheckResponse>(
      "grpc.health.v1.Health/Check", grpc::health::v1::HealthCheckRequest());
  if (absl::IsUnavailable(health.status()) ||
      absl::IsDeadlineExceeded(health.status())) {
    report->Bad("connection",
                absl::StrCat("no answer from ", client.server(), ": ",
                             Words(health.status())),
                "start sheafd, or name the right address with --server or "
                "SHEAF_SERVER (see sheaf config show --origin)");
    return false;
  }
  report->Good("connection", client.server());
  if (!health.ok()) {
    report->Bad("health", Words(health.status()),
                "check that a Sheaf server has this address");
  } else if (health->status() !=
             grpc::health::v1::HealthCheckResponse::SERVING) {
    report->Bad("health", "the server says it is not serving",
                "it is starting, stopping or cannot write: see its log");
  } else {
    report->Good("health", "serving");
  }
  return true;
}

void CheckServer(Client& client, Report* report) {
  const auto info = client.Call<v1::ServerInfo>(
      "sheaf.v1.AdminService/GetServerInfo", v1::GetServerInfoRequest());
  if (!info.ok()) {
    report->Bad("server", Words(info.status()), "see its log");
    return;
  }
  if (info->version() == kVersion) {
    report->Good("version", info->version());
  } else {
    report->Note(
        "version",
        absl::StrCat("server ", info->version(), ", this program ", kVersion),
        "use the same version on both sides");
  }
  if (info->writable()) {
    report->Good("store",
                 absl::StrCat("writable, ", BytesText(info->database_bytes())));
  } else {
    report->Bad("store", "the server cannot write",
                "see the problems below; reads still work");
  }
  if (info->disk_free_bytes() < kDiskFreeMin) {
    report->Bad("disk",
                absl::StrCat("only ", BytesText(info->disk_free_bytes()),
                             " free in ", info->data_directory()),
                "make room, or keep ended jobs for a shorter time (sheaf queue "
                "set --keep-succeeded)");
  }
  const absl::Duration gap = FromProto(info->now()) - absl::Now();
  if (gap > kClockGapMax || gap < -kClockGapMax) {
    report->Note(
        "clock",
        absl::StrCat("the server's clock is ",
                     absl::FormatDuration(absl::Trunc(gap, absl::Seconds(1))),
                     " from this one"),
        "let both machines keep time by NTP");
  }
  for (const std::string& problem : info->problems()) {
    report->Bad("server", problem, "docs/operations.md says what to do");
  }
  for (const std::string& note : info->notes()) {
    report->Note("server", note, "");
  }
}

// Sheaf's simulated engine says so as its device.
bool IsSimulated(const v1::Worker& worker) {
  return worker.devices_size() > 0 && worker.devices(0).name() == "simulated";
}

// Answers how many workers take work.
int CheckWorkers(const v1::ListWorkersResponse& workers, Report* report) {
  int ready = 0;
  std::vector<std::string> simulated;
  for (const v1::Worker& worker : workers.workers()) {
    if (worker.state() == v1::WORKER_STATE_LOST) {
      report->Note(
          "workers",
          absl::StrCat(worker.name(), " (", worker.display_name(), ") is lost"),
          "its runs go back to the queue by themselves; look at its "
          "log");
    } else if (IsReady(worker)) {
      ++ready;
      if (IsSimulated(worker)) simulated.push_back(worker.display_name());
    }
  }
  if (!simulated.empty()) {
    report->Note("workers",
                 absl::StrCat("the engine of ", absl::StrJoin(simulated, ", "),
                              " is simulated: it draws patterns, not pictures"),
                 "start it without --engine simulated");
  }
  if (ready == 0) {
    report->Bad("workers", "no worker takes work: jobs will wait",
                "start one: sheaf-worker --help");
  } else {
    report->Good("workers", absl::StrCat(ready, " ready"));
  }
  return ready;
}

// "jobs/4 waits", "jobs/4, jobs/7 and 3 more wait"
std::string WaitText(const std::vector<std::string>& jobs) {
  const std::vector<std::string> named(
      jobs.begin(), jobs.begin() + std::min(jobs.size(), kJobsNamed));
  const size_t more = jobs.size() - named.size();
  return absl::StrCat(absl::StrJoin(named, ", "),
                      more == 0 ? "" : absl::StrCat(" and ", more, " more"),
                      jobs.size() == 1 ? " waits" : " wait");
}

// Names waiting jobs with runs that none of the workers takes.
void CheckWaitingJobs(Client& client, const v1::ListWorkersResponse& workers,
                      Report* report) {
  v1::ListJobsRequest oldest;
  oldest.set_filter("state = QUEUED");
  oldest.set_order_by("create_time");
  oldest.set_page_size(kWaitingJobsMax);
  const auto jobs =
      client.Call<v1::ListJobsResponse>("sheaf.v1.JobService/ListJobs", oldest);
  if (!jobs.ok()) {
    report->Bad("jobs", Words(jobs.status()), "see the server's log");
    return;
  }
  std::map<std::string, std::vector<std::string>> jobs_by_reason;
  for (const v1::Job& job : jobs->jobs()) {
    v1::GetJobRequest request;
    request.set_name(job.name());
    request.set_view(v1::JOB_VIEW_FULL);
    const auto full =
        client.Call<v1::Job>("sheaf.v1.JobService/GetJob", request);
    if (!full.ok()) continue;  // deleted since
    for (const Work& work : WaitingWorksOf(*full)) {
      const std::string why = WhyNobodyTakes(work, workers);
      if (why.empty()) continue;
      jobs_by_reason[why].push_back(job.name());
    }
  }
  for (const auto& [why, names] : jobs_by_reason) {
    report->Bad("jobs", absl::StrCat(WaitText(names), ": ", why),
                absl::StrCat("start a worker that takes them (sheaf worker "
                             "list -o wide shows what each takes), or: sheaf "
                             "job cancel ",
                             JobIdText(names[0])));
  }
  if (jobs_by_reason.empty()) {
    report->Good("jobs", "a worker takes each that waits");
  }
}

void CheckWork(Client& client, Report* report) {
  const auto workers = client.Call<v1::ListWorkersResponse>(
      "sheaf.v1.AdminService/ListWorkers", v1::ListWorkersRequest());
  if (!workers.ok()) {
    report->Bad("workers", Words(workers.status()), "see the server's log");
    return;
  }
  if (CheckWorkers(*workers, report) > 0) {
    CheckWaitingJobs(client, *workers, report);
  }
}

void CheckQueues(Client& client, Report* report) {
  const auto queues = client.Call<v1::ListQueuesResponse>(
      "sheaf.v1.QueueService/ListQueues", v1::ListQueuesRequest());
  if (!queues.ok()) {
    report->Bad("queues", Words(queues.status()), "see the server's log");
    return;
  }
  int active = 0;
  for (const v1::Queue& queue : queues->queues()) {
    if (queue.state() == v1::QUEUE_STATE_ACTIVE) {
      ++active;
      continue;
    }
    std::string finding =
        absl::StrCat(queue.name(), " is ", FieldText(queue, "state"));
    if (!queue.reason().empty()) {
      absl::StrAppend(&finding, " (", queue.reason(), ")");
    }
    absl::StrAppend(&finding, ", ", queue.queued_run_count(), " runs wait");
    report->Note("queues", finding,
                 absl::StrCat("sheaf queue resume ", queue.name()));
  }
  report->Good("queues", absl::StrCat(active, " active"));
}

absl::Status RunDoctor(Context& context, NoArgs&) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  Report report;
  const bool connected = CheckHealth(*client, &report);
  if (connected) {
    CheckServer(*client, &report);
    CheckWork(*client, &report);
    CheckQueues(*client, &report);
  }
  report.Print(context);
  const int problems = report.problem_count();
  if (problems == 0) return absl::OkStatus();
  return WithExitCode(
      absl::UnknownError(absl::StrCat(
          problems, problems == 1 ? " problem was" : " problems were",
          " found")),
      connected ? kExitInternal : kExitUnavailable);
}

}  // namespace

void AddDoctorCommand(CLI::App& app, Context& context) {
  AddVerb(app, context, "doctor", "Look for problems and suggest remedies",
          &RunDoctor);
}

}  // namespace sheaf::cli
