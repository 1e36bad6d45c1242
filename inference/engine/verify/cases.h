// The kinds of reference cases, each with how to run it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "inference/engine/pipeline/model.h"
#include "inference/engine/tensor/torch.h"
#include "inference/engine/verify/judge.h"
#include "inference/engine/verify/verify.h"

namespace sheaf::engine {

// Runs cases one after the other and keeps their outcomes.
class CaseList {
 public:
  CaseList(std::string folder, const VerifyOptions& options)
      : folder_(std::move(folder)),
        options_(options),
        judge_(options.placement) {}

  const std::string& folder() const { return folder_; }
  const Judge& judge() const { return judge_; }
  // Runs `check` unless the filter leaves it out. `check` sets error and
  // tolerance; an error that it returns or throws says why the case could not
  // be run.
  void Run(const std::string& group, const std::string& name,
           const std::function<absl::Status(Outcome*)>& check);

  std::vector<Outcome> Take() { return std::move(outcomes_); }

 private:
  const std::string folder_;
  const VerifyOptions& options_;
  const Judge judge_;
  std::vector<Outcome> outcomes_;
};

// tokens.json
void RunTokenCases(CaseList* list);
// modules/*.safetensors
void RunModuleCases(CaseList* list);
// schedulers/cases.jsonl
void RunSchedulerCases(CaseList* list);
// pipelines/cases.jsonl
void RunPipelineCases(CaseList* list);

// The lines of a file of JSON objects; none where there is no such file.
absl::StatusOr<std::vector<Json>> ReadJsonLines(const std::string& path);

// A file's tensors and its metadata.
struct CaseFile {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> metadata;

  bool has(const std::string& name) const { return tensors.count(name) != 0; }
  // An undefined tensor where there is none.
  at::Tensor at(const std::string& name) const;
  // The same, with its tensors on `device`.
  CaseFile On(at::Device device) const;
};
absl::StatusOr<CaseFile> ReadCaseFile(const std::string& path);

// Notes that `actual` should be `expected`: raises the outcome's error to their
// largest difference, if that is larger.
void Compare(const at::Tensor& actual, const at::Tensor& expected,
             Outcome* outcome);

}  // namespace sheaf::engine
