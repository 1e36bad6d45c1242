#include "cli/support/takers.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/near_word.h"

namespace sheaf::cli {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(2);
constexpr size_t kHintsMax = 5;
constexpr size_t kNamesMax = 8;

using NameList = google::protobuf::RepeatedPtrField<std::string>;

bool Serves(const NameList& names, const std::string& name) {
  return names.empty() ||
         std::any_of(names.begin(), names.end(), [&](const std::string& each) {
           return each == "*" || each == name;
         });
}

// A part of Work, as users and workers name it.
struct Trait {
  std::string Work::*wanted;
  const NameList& (v1::Worker::*offered)() const;
  const char* lack;  // goes before the name
};

const Trait kTraits[] = {
    {&Work::queue, &v1::Worker::queues, "serves "},
    {&Work::kind, &v1::Worker::kinds, "does jobs of the kind "},
    {&Work::model, &v1::Worker::models, "has the model "},
};

bool Offers(const v1::Worker& worker, const Trait& trait, const Work& work) {
  const std::string& wanted = work.*trait.wanted;
  if (wanted.empty() || Serves((worker.*trait.offered)(), wanted)) return true;
  // Its list is cut where it grew too long.
  return trait.wanted == &Work::model && worker.models_left_out() > 0;
}

// ", did you mean 'X'?", or else the names that there are.
std::string Instead(const std::vector<const v1::Worker*>& workers,
                    const Trait& trait, const std::string& wanted) {
  std::set<std::string> offered;
  for (const v1::Worker* worker : workers) {
    const NameList& names = (worker->*trait.offered)();
    offered.insert(names.begin(), names.end());
  }
  std::vector<std::string> names(offered.begin(), offered.end());
  const std::string guess = DidYouMean(wanted, names);
  if (!guess.empty()) return guess;
  const size_t more = names.size() > kNamesMax ? names.size() - kNamesMax : 0;
  names.resize(names.size() - more);
  return absl::StrCat("; offered: ", absl::StrJoin(names, ", "),
                      more == 0 ? "" : absl::StrCat(" and ", more, " more"),
                      ".");
}

void AddOnce(Work work, std::vector<Work>* works) {
  if (std::find(works->begin(), works->end(), work) == works->end()) {
    works->push_back(std::move(work));
  }
}

}  // namespace

std::vector<Work> WorksOf(const v1::JobSpec& spec) {
  Work work;
  work.queue = spec.queue().empty() ? "queues/default" : spec.queue();
  work.kind = spec.kind().empty() ? "inference" : spec.kind();
  work.model = spec.shared().model();
  std::vector<Work> works;
  for (const v1::SweepAxis& axis : spec.sweep().axes()) {
    if (axis.field() != "model") continue;
    for (const std::string& model : axis.values()) {
      work.model = model;
      AddOnce(work, &works);
    }
  }
  if (!works.empty()) return works;
  for (const v1::RunRequest& run : spec.runs()) {
    Work own = work;
    if (run.has_model()) own.model = run.model();
    AddOnce(std::move(own), &works);
  }
  if (works.empty()) works.push_back(work);
  return works;
}

std::vector<Work> WaitingWorksOf(const v1::Job& job) {
  std::vector<Work> works;
  for (const v1::Run& run : job.runs()) {
    if (run.state() != v1::RUN_STATE_QUEUED) continue;
    AddOnce({job.queue(), job.kind(), run.request().model()}, &works);
  }
  return works;
}

bool IsReady(const v1::Worker& worker) {
  return worker.state() != v1::WORKER_STATE_LOST &&
         worker.state() != v1::WORKER_STATE_DRAINING;
}

std::string WhyNobodyTakes(const Work& work,
                           const v1::ListWorkersResponse& workers) {
  std::vector<const v1::Worker*> left;
  for (const v1::Worker& worker : workers.workers()) {
    if (IsReady(worker)) left.push_back(&worker);
  }
  if (left.empty()) return "no worker that takes work is connected.";
  const std::vector<const v1::Worker*> ready = left;
  for (const Trait& trait : kTraits) {
    std::vector<const v1::Worker*> able;
    std::copy_if(left.begin(), left.end(), std::back_inserter(able),
                 [&](const auto* each) { return Offers(*each, trait, work); });
    if (able.empty()) {
      const std::string& wanted = work.*trait.wanted;
      const char* who = left.size() == ready.size()
                            ? "no connected worker "
                            : "no worker of those for its queue and kind ";
      return absl::StrCat(who, trait.lack, "'", wanted, "'",
                          Instead(left, trait, wanted));
    }
    left = std::move(able);
  }
  return "";
}

void SayIfNobodyTakes(Context& context, const std::vector<Work>& works) {
  if (context.quiet || !context.IsForPeople() || works.empty()) return;
  const auto client = context.Connect();
  if (!client.ok()) return;
  const absl::Duration less =
      std::min(absl::ZeroDuration(), kPatience - (*client)->timeout());
  const auto workers = (*client)->Call<v1::ListWorkersResponse>(
      "sheaf.v1.AdminService/ListWorkers", v1::ListWorkersRequest(), less);
  if (!workers.ok()) return;
  std::set<std::string> hints;
  for (const Work& work : works) {
    std::string why = WhyNobodyTakes(work, *workers);
    if (!why.empty()) hints.insert(std::move(why));
    if (hints.size() == kHintsMax) break;
  }
  for (const std::string& hint : hints) {
    context.Say(absl::StrCat("Hint: ", hint));
  }
  if (hints.empty()) return;
  context.Say(absl::StrCat(
      "Runs wait until a worker takes them. To start one: sheaf-worker "
      "--server ",
      (*client)->server(), "; to see those that there are: sheaf worker list ",
      "-o wide"));
}

}  // namespace sheaf::cli
