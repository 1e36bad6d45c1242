#include "inference/engine/pipeline/row.h"

#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status.h"
#include "inference/engine/pipeline/noise.h"
#include "inference/engine/schedule/executor.h"
#include "inference/engine/tensor/module_scope.h"
#include "inference/engine/weights/safetensors.h"

namespace sheaf::engine {
namespace {

int64_t At(Register which) { return static_cast<int64_t>(which); }

// Thresholding needs order statistics of the row; the reference executor has
// them.
at::Tensor Posted(const PostOp& post, const at::Tensor& prediction) {
  switch (post.kind) {
    case PostOp::Kind::kNone:
      return prediction;
    case PostOp::Kind::kClamp:
      return prediction.clamp(-post.limit, post.limit);
    case PostOp::Kind::kThreshold:
      break;
  }
  std::vector<float> values = ToVector(prediction);
  ApplyPost(post, &values);
  return FromVector(values, prediction.sizes()).to(prediction.device());
}

// The registers after this step: all of them times one small matrix in double,
// which is the identity except for the updates.
at::Tensor Updated(const std::vector<Step::Assignment>& updates,
                   const at::Tensor& registers) {
  at::Tensor matrix = at::zeros({kRegisterCount, kRegisterCount}, at::kDouble);
  auto rows = matrix.accessor<double, 2>();
  for (int i = 0; i < kRegisterCount; ++i) rows[i][i] = 1;
  for (const Step::Assignment& update : updates) {
    for (int i = 0; i < kRegisterCount; ++i) {
      rows[At(update.target)][i] = update.terms[static_cast<size_t>(i)];
    }
  }
  const at::Tensor flat =
      registers.reshape({kRegisterCount, -1}).to(at::kDouble);
  return at::mm(matrix.to(flat.device()), flat)
      .to(at::kFloat)
      .reshape(registers.sizes());
}

// The names in a saved row.
constexpr char kStepName[] = "step";
constexpr char kStepsName[] = "steps";
constexpr char kNoiseName[] = "noise";

std::string RegisterName(int64_t index) {
  return absl::StrCat("register.", index);
}

}  // namespace

Row::Row(RowStart start)
    : start_(std::make_shared<const RowStart>(std::move(start))),
      noise_(start_->noise) {
  const at::Tensor& sample = start_->sample;
  SHEAF_CHECK(sample.dim() == 3 && sample.scalar_type() == at::kFloat);
  SHEAF_CHECK(!start_->branches.empty());
  registers_ = at::zeros(
      {kRegisterCount, sample.size(0), sample.size(1), sample.size(2)},
      sample.options());
  registers_[At(Register::kSample)].copy_(sample);
}

at::Tensor Row::sample() const { return registers_[At(Register::kSample)]; }

at::Tensor Row::Input() const { return sample() * step().input_scale; }

at::Tensor Row::prediction() const {
  return registers_[At(Register::kPrediction)];
}

double Row::WeightOf(const RowControl& control) const {
  const auto count = static_cast<double>(steps());
  const double begin = static_cast<double>(next_) / count;
  const double end = static_cast<double>(next_ + 1) / count;
  return begin < control.start || end > control.end ? 0.0 : control.weight;
}

at::Tensor Row::Guided(const std::vector<at::Tensor>& answers) const {
  SHEAF_CHECK(answers.size() == start_->branches.size());
  at::Tensor sum;
  at::Tensor prompt;
  for (size_t i = 0; i < start_->branches.size(); ++i) {
    const Branch& branch = start_->branches[i];
    const at::Tensor output = answers[i].to(at::kFloat);
    const at::Tensor part =
        branch.weight == 1 ? output : output * branch.weight;
    sum = sum.defined() ? sum + part : part;
    if (branch.is_prompt) prompt = output;
  }
  const double rescale = start_->guidance_rescale;
  if (rescale == 0 || start_->branches.size() == 1) return sum;
  const at::Tensor rescaled = sum * (prompt.std() / sum.std());
  return rescaled * rescale + sum * (1 - rescale);
}

// Registers of zeros are left out: most samplers use only a few registers.
std::string Row::Save() const {
  const c10::InferenceMode no_gradients;
  TensorMap tensors;
  const at::Tensor registers = registers_.to(at::kCPU);
  for (int64_t i = 0; i < kRegisterCount; ++i) {
    if (!registers[i].any().item<bool>()) continue;
    tensors[RegisterName(i)] = FromTorch(registers[i].contiguous());
  }
  return EncodeSafetensors(tensors, {{kStepName, absl::StrCat(next_)},
                                     {kStepsName, absl::StrCat(steps())},
                                     {kNoiseName, noise_.Save()}});
}

absl::Status Row::Restore(std::string_view saved) {
  const c10::InferenceMode no_gradients;
  SHEAF_ASSIGN_OR_RETURN(const SafetensorsFile file, DecodeSafetensors(saved));
  const auto text = [&](const char* name) {
    const auto found = file.metadata.find(name);
    return found == file.metadata.end() ? std::string() : found->second;
  };
  const auto bad = [](const char* what) {
    return absl::InvalidArgumentError(absl::StrCat("a saved row: ", what));
  };
  size_t next = 0;
  if (!absl::SimpleAtoi(text(kStepName), &next) || next > steps() ||
      text(kStepsName) != absl::StrCat(steps())) {
    return bad("of another number of steps");
  }
  const std::optional<Normals> noise = Normals::Restore(text(kNoiseName));
  if (!noise) return bad("its random numbers are broken");
  at::Tensor registers = at::zeros_like(registers_);
  size_t used = 0;
  for (int64_t i = 0; i < kRegisterCount; ++i) {
    const auto found = file.tensors.find(RegisterName(i));
    if (found == file.tensors.end()) continue;
    const at::Tensor values = ToTorch(found->second);
    if (values.scalar_type() != at::kFloat ||
        values.sizes() != registers[i].sizes()) {
      return bad("of another size");
    }
    registers[i].copy_(values);
    ++used;
  }
  if (used != file.tensors.size()) return bad("with what no row has");
  registers_ = registers;
  noise_ = *noise;
  next_ = next;
  return absl::OkStatus();
}

void Row::Advance(const std::vector<at::Tensor>& answers) {
  SHEAF_CHECK(!done());
  const Step& now = step();
  Normals noise = noise_;
  at::Tensor next = registers_.clone();
  const at::Tensor output = Guided(answers);
  next[At(Register::kOutput)].copy_(output);
  if (now.draws_noise) {
    next[At(Register::kNoise)].copy_(DrawNoise(output.sizes(), &noise));
  }
  next[At(Register::kPrediction)].copy_(Posted(
      now.post, sample() * now.predict_sample + output * now.predict_output));
  next = Updated(now.updates, next);
  if (start_->keep) {
    const Keep& keep = *start_->keep;
    // After the last step the kept part is clean, even where a sampler leaves
    // some noise.
    const bool is_last = next_ + 1 == steps();
    const Renoise level =
        is_last ? Renoise{1, 0} : start_->program->renoise[next_ + 1];
    const at::Tensor kept =
        keep.clean * level.sample + keep.noise * level.noise;
    at::Tensor sample = next[At(Register::kSample)];
    sample.copy_(kept * (1 - keep.mask) + sample * keep.mask);
  }
  registers_ = next;
  noise_ = noise;
  ++next_;
}

}  // namespace sheaf::engine
