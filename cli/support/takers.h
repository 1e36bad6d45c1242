// Whether any connected worker takes the work of a job. Without an answer a job
// whose model is misspelt would wait for ever without a word. Pure, except for
// SayIfNobodyTakes.
#pragma once

#include <string>
#include <vector>

#include "cli/support/context.h"
#include "sheaf/v1/admin_service.pb.h"
#include "sheaf/v1/job.pb.h"

namespace sheaf::cli {

// The parts of a run by which workers choose: a worker takes it if it serves
// the queue, does the kind and has the model. No model: any worker's will do.
struct Work {
  std::string queue;  // "queues/default"
  std::string kind;
  std::string model;
  bool operator==(const Work&) const = default;
};

// The different works of a job that is to be submitted, and those of the
// waiting runs that `job` lists.
std::vector<Work> WorksOf(const v1::JobSpec& spec);
std::vector<Work> WaitingWorksOf(const v1::Job& job);

// Whether the worker is given new runs.
bool IsReady(const v1::Worker& worker);

// Says in a sentence what no ready worker has, with a suggestion where it looks
// misspelt; empty where a worker takes the work.
std::string WhyNobodyTakes(const Work& work,
                           const v1::ListWorkersResponse& workers);

// Asks the server for its workers, once and briefly, and gives the user a hint
// for each work that none of them takes. It says nothing to programs, with
// --quiet, or if the server does not answer.
void SayIfNobodyTakes(Context& context, const std::vector<Work>& works);

}  // namespace sheaf::cli
