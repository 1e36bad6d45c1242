// Batches as a server would lease them, with defaults for what a test does not
// care about.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::worker {

struct RunArgs {
  std::string prompt = "a red fox";
  int64_t seed = 1;
  std::optional<int> steps = 3;
  std::map<std::string, double> weights = {};
  std::string fault = {};
};

// Batch `batches/{id}` of job `jobs/{id}`.
inline v1::LeasedBatch MakeBatch(int id, const std::vector<RunArgs>& runs) {
  v1::LeasedBatch batch;
  batch.set_name(fmt::format("batches/{}", id));
  batch.set_epoch(1);
  batch.set_secret("secret of " + batch.name());
  batch.set_queue("queues/default");
  batch.set_kind("inference");
  for (const RunArgs& args : runs) {
    v1::LeasedRun* run = batch.add_runs();
    run->set_run(fmt::format("jobs/{}/runs/{}", id, batch.runs_size() - 1));
    run->set_attempt(1);
    v1::RunRequest* request = run->mutable_request();
    request->set_prompt(args.prompt);
    request->set_seed(args.seed);
    if (args.steps) request->set_steps(*args.steps);
    if (!args.fault.empty()) {
      (*request->mutable_extra())["sim.fault"] = args.fault;
    }
    v1::WeightMap* map = batch.add_weights_list();
    for (const auto& [type, weight] : args.weights) {
      (*map->mutable_weights())[type] = weight;
    }
  }
  return batch;
}

}  // namespace sheaf::worker
