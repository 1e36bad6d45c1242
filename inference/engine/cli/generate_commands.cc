#include <cstdio>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "inference/engine/cli/commands.h"
#include "inference/engine/cli/placement.h"
#include "inference/engine/families/load_model.h"
#include "inference/engine/image/metadata.h"
#include "inference/engine/image/picture_file.h"
#include "inference/engine/image/png.h"
#include "inference/engine/pipeline/begin.h"
#include "inference/engine/pipeline/pictures.h"
#include "inference/engine/pipeline/row_stepper.h"
#include "inference/engine/schedule/registry.h"
#include "inference/engine/weights/file.h"

namespace sheaf::engine {
namespace {

constexpr int kCountMax = 64;

std::vector<Option> CommonOptions() {
  return {{"prompt", "TEXT", "what the picture should show"},
          {"negative", "TEXT", "what it should not show"},
          {"prompt-2", "TEXT", "for SDXL's second encoder; default: the same"},
          {"negative-2", "TEXT", "the same for the negative prompt"},
          {"sampler", "NAME", "one that `schedulers` lists; default: auto"},
          {"steps", "N", "default: 20"},
          {"guidance", "NUMBER", "default: 7.5"},
          {"rescale", "NUMBER", "rescaling of guidance, 0 to 1; default: 0"},
          {"eta", "NUMBER", "noise of DDIM and TCD; default: the sampler's"},
          {"clip-skip", "N", "layers of the text encoder left out; default: 0"},
          {"emphasis", "", "give (word:1.3), [word] and BREAK a meaning"},
          {"chunks", "N", "chunks of 75 tokens for a long prompt; default: 1"},
          {"width", "N", "default: the size that the model was trained for"},
          {"height", "N", "the same"},
          {"seed", "N", "seed of the first picture; default: 0"},
          {"random", "MODE", "cpu or philox; default: cpu"},
          {"count", "N",
           "number of pictures, with consecutive seeds, in one batch"},
          {"control", "FOLDER:PICTURE:WEIGHT:START:END",
           "a ControlNet and its picture, a PNG, JPEG or WebP; may be repeated",
           true},
          {"guess", "", "controls without a prompt"},
          {"refiner", "MODEL", "another model, which makes the last steps"},
          {"handover", "NUMBER",
           "part of the steps after which the refiner takes over, 0 to 1; "
           "default: 0.8"},
          {"unet", "FOLDER", "one to use in place of the model's own"},
          {"vae", "FOLDER", "one to use in place of the model's own"},
          {"variant", "NAME", "variant of the weight files, e.g. fp16"},
          {"allow-pickle", "", "read .bin files if there are no others"},
          DeviceOption(),
          DtypeOption(),
          {"tiling", "", "decode in tiles"},
          {"out", "FILE", "default: out.png; -1, -2... follow"}};
}

absl::StatusOr<Image> ReadPicture(const std::string& path) {
  SHEAF_ASSIGN_OR_RETURN(const std::string bytes,
                         ReadFile(path, kPictureBytesMax));
  return DecodePicture(bytes);
}

// Reads FOLDER:PICTURE[:WEIGHT[:START[:END]]].
absl::StatusOr<ControlRequest> ReadControl(const std::string& text,
                                           const Model& model) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  ControlRequest control;
  double* const numbers[] = {&control.weight, &control.start, &control.end};
  bool fits = parts.size() >= 2 && parts.size() <= 5;
  for (size_t i = 2; fits && i < parts.size(); ++i) {
    fits = absl::SimpleAtod(parts[i], numbers[i - 2]);
  }
  if (!fits) {
    return absl::InvalidArgumentError(
        "--control must be FOLDER:PICTURE, which :WEIGHT:START:END may follow");
  }
  SHEAF_ASSIGN_OR_RETURN(
      control.net, model.denoiser->LoadControl(parts[0], model.options.load));
  SHEAF_ASSIGN_OR_RETURN(control.image, ReadPicture(parts[1]));
  return control;
}

std::optional<std::string> OptionalText(const Arguments& arguments,
                                        std::string_view name) {
  if (!arguments.Has(name)) return std::nullopt;
  return arguments.Text(name, "");
}

absl::StatusOr<RunRequest> ReadRequest(const Model& model,
                                       Arguments* arguments) {
  RunRequest request;
  request.prompt = arguments->Text("prompt", "");
  request.prompt_2 = OptionalText(*arguments, "prompt-2");
  request.negative_prompt = OptionalText(*arguments, "negative");
  request.negative_prompt_2 = OptionalText(*arguments, "negative-2");
  request.steps = arguments->Integer("steps", 20, 1, 1000);
  request.guidance = arguments->Number("guidance", 7.5);
  request.guidance_rescale = arguments->Number("rescale", 0);
  request.emphasis = arguments->Has("emphasis");
  request.prompt_chunks = arguments->Integer("chunks", 1, 1, 32);
  request.clip_skip = arguments->Integer("clip-skip", 0, 0, 100);
  const int side = model.traits.native_side;
  request.width = arguments->Integer("width", side, 8, 8192);
  request.height = arguments->Integer("height", side, 8, 8192);
  if (arguments->Has("eta")) request.eta = arguments->Number("eta", 0);
  request.guess_mode = arguments->Has("guess");
  uint64_t seed = 0;
  if (!absl::SimpleAtoi(arguments->Text("seed", "0"), &seed)) {
    return absl::InvalidArgumentError("--seed must be a whole number");
  }
  request.seed = seed;
  const auto random = RandomModeNamed(arguments->Text("random", "cpu"));
  if (!random) {
    return absl::InvalidArgumentError("--random must be cpu or philox");
  }
  request.random = *random;
  SHEAF_RETURN_IF_ERROR(arguments->status());
  SHEAF_ASSIGN_OR_RETURN(request.scheduler,
                         ResolveScheduler(arguments->Text("sampler", "auto"),
                                          model.scheduler, Config()));
  for (const std::string& text : arguments->Texts("control")) {
    SHEAF_ASSIGN_OR_RETURN(ControlRequest control, ReadControl(text, model));
    request.controls.push_back(std::move(control));
  }
  return request;
}

// "out.png" as "out-2.png".
std::string Numbered(const std::string& path, size_t number, size_t count) {
  if (count == 1) return path;
  const size_t dot = path.rfind('.');
  const std::string stem = path.substr(0, dot);
  const std::string ending = dot == std::string::npos ? "" : path.substr(dot);
  return absl::StrCat(stem, "-", number, ending);
}

absl::Status Write(const Model& model, const RunRequest& request,
                   const std::string& sampler, const Image& image,
                   const std::string& path) {
  const Generation generation = {
      .prompt = request.prompt,
      .negative_prompt = request.negative_prompt.value_or(""),
      .steps = request.steps,
      .sampler = SamplerName(sampler, OwnSchedulerName(model.scheduler)),
      .guidance = request.guidance,
      .seed = request.seed,
      .width = image.width,
      .height = image.height,
      .model = model.folder.substr(model.folder.find_last_of('/') + 1),
      .random_mode = std::string(NameOf(request.random))};
  SHEAF_ASSIGN_OR_RETURN(const std::string png,
                         EncodePng(image, TextsOf(generation)));
  SHEAF_RETURN_IF_ERROR(WriteFile(path, png));
  std::printf("%s  seed %llu  pixels %s\n", path.c_str(),
              static_cast<unsigned long long>(request.seed),
              PixelHash(image).c_str());
  return absl::OkStatus();
}

// Loads a model, with the replacement components that `options` name.
absl::StatusOr<std::shared_ptr<const Model>> Load(const std::string& folder,
                                                  ModelOptions options,
                                                  const Arguments& arguments) {
  options.load = {.variant = arguments.Text("variant", ""),
                  .allow_pickle = arguments.Has("allow-pickle")};
  SHEAF_ASSIGN_OR_RETURN(options.placement, PlacementOf(arguments));
  return LoadModel(folder, options);
}

// Makes all steps of all requests, together, and returns their latents.
absl::StatusOr<std::vector<at::Tensor>> Latents(
    const Model& model, const std::vector<RunRequest>& requests) {
  std::vector<Row> rows;
  for (const RunRequest& request : requests) {
    SHEAF_ASSIGN_OR_RETURN(Row row, BeginRow(model, request));
    rows.push_back(std::move(row));
  }
  std::vector<Row*> stepping;
  for (Row& row : rows) stepping.push_back(&row);
  const RowStepper engine(model.denoiser);
  while (!rows[0].done()) SHEAF_RETURN_IF_ERROR(engine.Step(stepping));
  std::vector<at::Tensor> latents;
  for (const Row& row : rows) latents.push_back(row.sample());
  return latents;
}

// Makes the remaining steps with the refiner, which was trained for them.
absl::StatusOr<std::vector<at::Tensor>> Refined(
    const Model& refiner, std::vector<RunRequest> requests,
    const std::vector<at::Tensor>& latents) {
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i] = RefinerPart(std::move(requests[i]));
    requests[i].latents = FromTorch(latents[i].unsqueeze(0));
  }
  return Latents(refiner, requests);
}

absl::Status Generate(std::shared_ptr<const Model> model,
                      const RunRequest& request, Arguments* arguments) {
  const int count = arguments->Integer("count", 1, 1, kCountMax);
  const double handover = arguments->Number("handover", 0.8);
  SHEAF_RETURN_IF_ERROR(arguments->status());
  std::vector<RunRequest> requests(static_cast<size_t>(count), request);
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i].seed += i;
    if (arguments->Has("refiner")) requests[i].denoising_end = handover;
  }
  SHEAF_ASSIGN_OR_RETURN(std::vector<at::Tensor> latents,
                         Latents(*model, requests));
  if (arguments->Has("refiner")) {
    SHEAF_ASSIGN_OR_RETURN(
        model, Load(arguments->Text("refiner", ""), {}, *arguments));
    SHEAF_ASSIGN_OR_RETURN(latents, Refined(*model, requests, latents));
  }
  SHEAF_ASSIGN_OR_RETURN(
      const std::vector<Image> images,
      DecodePictures(*model, latents, {.tiling = arguments->Has("tiling")}));
  for (size_t i = 0; i < images.size(); ++i) {
    SHEAF_RETURN_IF_ERROR(Write(
        *model, requests[i], arguments->Text("sampler", "auto"), images[i],
        Numbered(arguments->Text("out", "out.png"), i + 1, images.size())));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Model>> ModelOf(Arguments* arguments) {
  if (arguments->words().size() != 1) {
    return absl::InvalidArgumentError("one model's folder is needed");
  }
  return Load(arguments->words()[0],
              {.denoiser = arguments->Text("unet", ""),
               .vae = arguments->Text("vae", "")},
              *arguments);
}

absl::Status RunText(Arguments* arguments) {
  SHEAF_ASSIGN_OR_RETURN(const auto model, ModelOf(arguments));
  SHEAF_ASSIGN_OR_RETURN(const RunRequest request,
                         ReadRequest(*model, arguments));
  return Generate(model, request, arguments);
}

absl::Status RunImage(Arguments* arguments) {
  SHEAF_ASSIGN_OR_RETURN(const auto model, ModelOf(arguments));
  SHEAF_ASSIGN_OR_RETURN(RunRequest request, ReadRequest(*model, arguments));
  SHEAF_ASSIGN_OR_RETURN(request.image,
                         ReadPicture(arguments->Text("image", "")));
  request.task = Task::kImage;
  request.strength = arguments->Number("strength", 0.8);
  if (arguments->Has("mask")) {
    SHEAF_ASSIGN_OR_RETURN(request.mask,
                           ReadPicture(arguments->Text("mask", "")));
    request.task = Task::kInpaint;
  } else if (arguments->Has("edit")) {
    request.task = Task::kEdit;
    request.image_guidance = arguments->Number("image-guidance", 1.5);
  }
  return Generate(model, request, arguments);
}

}  // namespace

Command TextToImageCommand() {
  return {"txt2img", "MODEL", "Makes pictures from a prompt.", CommonOptions(),
          &RunText};
}

Command ImageToImageCommand() {
  std::vector<Option> options = CommonOptions();
  options.push_back({"image", "PICTURE", "the picture to start from"});
  options.push_back({"strength", "NUMBER", "0 to 1; default: 0.8"});
  options.push_back(
      {"mask", "PICTURE", "paint only where this picture is white"});
  options.push_back({"edit", "", "the prompt is an instruction"});
  options.push_back({"image-guidance", "NUMBER",
                     "weight of the picture with --edit; default: 1.5"});
  return {"img2img", "MODEL", "Makes pictures from a picture.",
          std::move(options), &RunImage};
}

}  // namespace sheaf::engine
