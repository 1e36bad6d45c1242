#include "inference/engine/pipeline/begin.h"

#include <cmath>
#include <utility>

#include "base/status.h"
#include "inference/engine/pipeline/noise.h"
#include "inference/engine/pipeline/pictures.h"
#include "inference/engine/schedule/compile.h"
#include "inference/engine/tensor/guard.h"

namespace sheaf::engine {
namespace {

constexpr int kSideMax = 8192;
constexpr int kChunksMax = 32;

std::string_view RefusalOf(Task task) {
  switch (task) {
    case Task::kText:
      return "this model makes no pictures from a prompt alone";
    case Task::kImage:
      return "this model makes no pictures from pictures";
    case Task::kInpaint:
      return "this model does not paint into masks";
    case Task::kEdit:
      return "this model does not edit after instructions";
  }
  return "";
}

// Refuses what the model would not hear of.
absl::Status CheckHeard(const ModelTraits& traits, const RunRequest& request) {
  const bool has_second = !request.prompt_2.value_or("").empty() ||
                          !request.negative_prompt_2.value_or("").empty();
  if (has_second && !traits.has_second_prompt) {
    return absl::InvalidArgumentError(
        "this model has no second text encoder, for prompt_2 and "
        "negative_prompt_2");
  }
  if (!request.negative_prompt_2.value_or("").empty() &&
      !request.negative_prompt) {
    return absl::InvalidArgumentError(
        "negative_prompt_2 needs a negative_prompt, which may be empty");
  }
  const bool is_cropped = request.crop.first != 0 || request.crop.second != 0;
  if ((request.original_size || is_cropped) && !traits.has_original_size) {
    return absl::InvalidArgumentError(
        "this model is not told the original size and the crop of pictures");
  }
  if (request.target_size && !traits.has_target_size) {
    return absl::InvalidArgumentError(
        "this model is not told the target size of pictures");
  }
  return absl::OkStatus();
}

absl::Status CheckRequest(const Model& model, const RunRequest& request) {
  const auto bad = [](std::string_view what) {
    return absl::InvalidArgumentError(ToAbsl(what));
  };
  if (!model.traits.Does(request.task)) return bad(RefusalOf(request.task));
  SHEAF_RETURN_IF_ERROR(CheckHeard(model.traits, request));
  const int multiple = model.traits.side_multiple;
  for (const int side : {request.width, request.height}) {
    if (side < multiple || side > kSideMax || side % multiple != 0) {
      return bad("width and height must be multiples of " +
                 std::to_string(multiple) + ", at most " +
                 std::to_string(kSideMax));
    }
  }
  for (const double part : {request.strength, request.guidance_rescale,
                            request.denoising_start.value_or(0),
                            request.denoising_end.value_or(0)}) {
    if (!(part >= 0 && part <= 1)) {
      return bad("strength and the like must be between 0 and 1");
    }
  }
  if (!std::isfinite(request.guidance) ||
      !std::isfinite(request.image_guidance)) {
    return bad("guidance must be a number");
  }
  if (request.prompt_chunks < 1 || request.prompt_chunks > kChunksMax) {
    return bad("a prompt must have 1 to " + std::to_string(kChunksMax) +
               " chunks");
  }
  const bool needs_image =
      request.task != Task::kText && request.latents.data == nullptr;
  if (needs_image && request.image.pixels.empty()) return bad("no picture");
  if (request.task == Task::kInpaint && request.mask.pixels.empty()) {
    return bad("no mask");
  }
  for (const ControlRequest& control : request.controls) {
    if (control.net == nullptr || control.image.pixels.empty() ||
        !std::isfinite(control.weight)) {
      return bad("a control needs a network, a picture and a finite weight");
    }
  }
  return absl::OkStatus();
}

// The whole program, cut to the calls that this request makes.
absl::StatusOr<std::shared_ptr<const Program>> ProgramOf(
    const RunRequest& request) {
  CompileOptions options = {.steps = request.steps, .eta = request.eta};
  SHEAF_ASSIGN_OR_RETURN(std::shared_ptr<const Program> program,
                         Compile(request.scheduler, options));
  SHEAF_ASSIGN_OR_RETURN(
      const CallRange range,
      CallsOf(request, *program, request.scheduler.train_steps));
  if (range.first > 0) {
    options.begin = static_cast<int>(range.first);
    SHEAF_ASSIGN_OR_RETURN(program, Compile(request.scheduler, options));
  }
  const size_t count = range.last - range.first;
  if (count < program->steps.size()) {
    auto cut = std::make_shared<Program>(*program);
    cut->steps.resize(count);
    program = std::move(cut);
  }
  return program;
}

// Unguided + guidance (guided - unguided), as weights.
absl::StatusOr<std::vector<Branch>> BranchesOf(const Model& model,
                                               const RunRequest& request) {
  Branch guided;
  SHEAF_ASSIGN_OR_RETURN(guided.conditioning,
                         model.conditioner->Prompt(request));
  if (model.traits.guidance == Guidance::kNumber || request.guidance <= 1) {
    return std::vector<Branch>{guided};
  }
  Branch unguided = {.is_prompt = false};
  SHEAF_ASSIGN_OR_RETURN(unguided.conditioning,
                         model.conditioner->NegativePrompt(request));
  guided.weight = request.guidance;
  unguided.weight = 1 - request.guidance;
  if (request.task != Task::kEdit || request.image_guidance < 1) {
    return std::vector<Branch>{unguided, guided};
  }
  // Three branches: with prompt and picture, with the picture alone, with
  // neither.
  Branch pictured = unguided;
  pictured.weight = request.image_guidance - request.guidance;
  unguided.weight = 1 - request.image_guidance;
  return std::vector<Branch>{guided, pictured, unguided};
}

// The picture's latents, scaled. Draws one random number for each of their
// elements, but none for a tiny autoencoder.
at::Tensor EncodePicture(const Model& model, const at::Tensor& picture,
                         Normals* normals) {
  const at::Tensor moments =
      model.vae->Encode(picture.unsqueeze(0), {}).to(at::kCPU);
  if (model.vae->config().is_tiny) return model.vae->Scale(moments)[0];
  const at::Tensor mean = MeanOf(moments);
  const at::Tensor noise = DrawNoise(mean.sizes(), normals);
  return model.vae->Scale(SampleOf(moments, noise))[0];
}

// Makes the sample that a row begins with, from a clean picture or without one.
// Random numbers are drawn in the reference's order, since pictures depend on
// it.
class Beginning {
 public:
  Beginning(const Model& model, const RunRequest& request, RowStart* start)
      : model_(model), request_(request), start_(start) {
    const int64_t scale = model.vae->config().scale();
    shape_ = {model.vae->config().latent_channels, request.height / scale,
              request.width / scale};
  }

  absl::Status Run() {
    switch (request_.task) {
      case Task::kText:
        FromNoise();
        return absl::OkStatus();
      case Task::kImage:
        return FromImage();
      case Task::kInpaint:
        FromMask();
        return absl::OkStatus();
      case Task::kEdit:
        FromInstruction();
        return absl::OkStatus();
    }
    return absl::OkStatus();
  }

 private:
  at::Tensor Noise() { return DrawNoise(shape_, &start_->noise); }

  at::Tensor Picture() const {
    return PictureToTensor(request_.image, request_.width, request_.height) *
               2 -
           1;
  }

  void FromNoise() { start_->sample = Noise() * start_->program->init_scale; }

  at::Tensor MakeNoisy(const at::Tensor& clean, const at::Tensor& noise) const {
    const Renoise& level = start_->program->renoise.front();
    return clean * level.sample + noise * level.noise;
  }

  absl::Status FromImage() {
    if (request_.latents.data != nullptr) {
      const at::Tensor latents = ToTorch(request_.latents, {});
      if (latents.dim() != 4 || latents.size(0) != 1 ||
          latents[0].sizes() != at::IntArrayRef(shape_)) {
        return absl::InvalidArgumentError(
            "latents do not fit width and height");
      }
      // Latents that another model left already have the right noise.
      start_->sample = request_.denoising_start
                           ? latents[0].clone()
                           : MakeNoisy(latents[0], Noise());
      return absl::OkStatus();
    }
    const at::Tensor clean = EncodePicture(model_, Picture(), &start_->noise);
    start_->sample =
        request_.denoising_start ? clean : MakeNoisy(clean, Noise());
    return absl::OkStatus();
  }

  void FromMask() {
    const bool sees_mask = model_.traits.sees_mask;
    const bool is_all_noise = request_.strength == 1;
    const at::Tensor picture = Picture();
    const at::Tensor mask =
        MaskToTensor(request_.mask, request_.width, request_.height);
    at::Tensor clean;
    if (!sees_mask || !is_all_noise) {
      clean = EncodePicture(model_, picture, &start_->noise);
    }
    const at::Tensor noise = Noise();
    start_->sample = is_all_noise ? noise * start_->program->init_scale
                                  : MakeNoisy(clean, noise);
    const at::Tensor small =
        at::upsample_nearest2d(mask.unsqueeze(0), {shape_[1], shape_[2]})[0];
    // Encoded even if it is not used, since encoding draws random numbers.
    const at::Tensor masked =
        EncodePicture(model_, picture * mask.lt(0.5), &start_->noise);
    if (!sees_mask) {
      start_->keep = Keep{small, clean, noise};
      return;
    }
    for (Branch& branch : start_->branches) {
      branch.extra = at::cat({small, masked});
    }
  }

  void FromInstruction() {
    // The latents are the mean, unscaled: no random numbers are drawn.
    const at::Tensor moments =
        model_.vae->Encode(Picture().unsqueeze(0), {}).to(at::kCPU);
    const at::Tensor latents =
        (model_.vae->config().is_tiny ? moments : MeanOf(moments))[0];
    for (size_t i = 0; i < start_->branches.size(); ++i) {
      const bool sees = start_->branches.size() < 3 || i < 2;
      start_->branches[i].extra = sees ? latents : at::zeros_like(latents);
    }
    FromNoise();
  }

  const Model& model_;
  const RunRequest& request_;
  RowStart* start_;
  std::vector<int64_t> shape_;
};

std::vector<RowControl> ControlsOf(const RunRequest& request) {
  std::vector<RowControl> controls;
  for (const ControlRequest& control : request.controls) {
    const at::Tensor picture =
        PictureToTensor(control.image, request.width, request.height);
    // The first network decides for all, as in the reference.
    const bool guesses =
        request.guess_mode || request.controls[0].net->guesses();
    controls.push_back({.net = control.net,
                        .hint = control.net->Hint(picture.unsqueeze(0))[0],
                        .weight = control.weight,
                        .start = control.start,
                        .end = control.end,
                        .guess_mode = guesses});
  }
  return controls;
}

// Moves tensors to the model's device, so that no step has to wait for them.
void MoveTo(at::Device device, RowStart* start) {
  const auto move = [device](at::Tensor* tensor) {
    if (tensor->defined()) *tensor = tensor->to(device);
  };
  move(&start->sample);
  for (Branch& branch : start->branches) move(&branch.extra);
  if (!start->keep) return;
  for (at::Tensor* part :
       {&start->keep->mask, &start->keep->clean, &start->keep->noise}) {
    move(part);
  }
}

absl::Status Fill(const Model& model, const RunRequest& request,
                  RowStart* start) {
  SHEAF_ASSIGN_OR_RETURN(start->program, ProgramOf(request));
  SHEAF_ASSIGN_OR_RETURN(start->branches, BranchesOf(model, request));
  SHEAF_RETURN_IF_ERROR(Beginning(model, request, start).Run());
  start->guidance = request.guidance;
  start->guidance_rescale = request.guidance_rescale;
  start->controls = ControlsOf(request);
  MoveTo(model.options.placement.device, start);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<size_t> CountSteps(const RunRequest& request) {
  SHEAF_ASSIGN_OR_RETURN(const std::shared_ptr<const Program> program,
                         ProgramOf(request));
  return program->steps.size();
}

RunRequest RefinerPart(RunRequest base) {
  base.task = Task::kImage;
  base.image = {};
  base.denoising_start = base.denoising_end;
  base.denoising_end.reset();
  base.controls.clear();
  base.prompt_2.reset();
  base.negative_prompt_2.reset();
  base.target_size.reset();
  return base;
}

absl::StatusOr<Row> BeginRow(const Model& model, const RunRequest& request) {
  const c10::InferenceMode no_gradients;
  SHEAF_RETURN_IF_ERROR(CheckRequest(model, request));
  RowStart start;
  start.noise = Normals(request.random, request.seed);
  absl::Status filled;
  SHEAF_RETURN_IF_ERROR(
      Guard("beginning a run", [&] { filled = Fill(model, request, &start); }));
  SHEAF_RETURN_IF_ERROR(filled);
  return Row(std::move(start));
}

}  // namespace sheaf::engine
