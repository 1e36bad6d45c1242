#include <cstdio>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "inference/image/metadata.h"
#include "inference/image/png.h"
#include "inference/models/controlnet.h"
#include "inference/pipeline/begin.h"
#include "inference/pipeline/engine.h"
#include "inference/pipeline/pictures.h"
#include "inference/program/commands.h"
#include "inference/schedule/registry.h"
#include "inference/weights/file.h"

namespace sheaf::engine {
namespace {

constexpr size_t kPictureBytesMax = size_t{256} << 20;
constexpr int kCountMax = 64;

std::vector<Option> CommonOptions() {
  return {{"prompt", "TEXT", "what to see"},
          {"negative", "TEXT", "what not to see"},
          {"sampler", "NAME", "as `schedulers` lists them; default: auto"},
          {"steps", "N", "default: 20"},
          {"guidance", "NUMBER", "default: 7.5"},
          {"rescale", "NUMBER", "of guidance, 0 to 1; default: 0"},
          {"clip-skip", "N", "layers left out; default: 0"},
          {"emphasis", "", "(word:1.3) and BREAK mean something"},
          {"chunks", "N", "of 75 tokens, of a long prompt; default: 1"},
          {"width", "N", "default: 512"},
          {"height", "N", "default: 512"},
          {"seed", "N", "of the first picture; default: 0"},
          {"random", "MODE", "cpu or philox; default: cpu"},
          {"count", "N", "pictures, of consecutive seeds, in one batch"},
          {"control", "FOLDER:PNG:WEIGHT", "a ControlNet and its picture"},
          {"variant", "NAME", "of weight files: fp16"},
          {"tiling", "", "decode in tiles"},
          {"out", "FILE", "default: out.png; -1, -2... follow"}};
}

absl::StatusOr<Image> ReadPicture(const std::string& path) {
  SHEAF_ASSIGN_OR_RETURN(const std::string bytes,
                         ReadFile(path, kPictureBytesMax));
  SHEAF_ASSIGN_OR_RETURN(PngFile file, DecodePng(bytes));
  return std::move(file.image);
}

absl::StatusOr<ControlRequest> ReadControl(const std::string& text,
                                           const LoadOptions& options) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  ControlRequest control;
  if (parts.size() < 2 || parts.size() > 3 ||
      (parts.size() == 3 && !absl::SimpleAtod(parts[2], &control.weight))) {
    return absl::InvalidArgumentError(
        "--control must be a folder, a picture and a weight, with colons");
  }
  SHEAF_ASSIGN_OR_RETURN(control.net, ControlNet::Load(parts[0], options, {}));
  SHEAF_ASSIGN_OR_RETURN(control.image, ReadPicture(parts[1]));
  return control;
}

absl::StatusOr<RunRequest> ReadRequest(const Model& model,
                                       Arguments* arguments) {
  RunRequest request;
  request.prompt = arguments->Text("prompt", "");
  if (arguments->Has("negative")) {
    request.negative_prompt = arguments->Text("negative", "");
  }
  request.steps = arguments->Integer("steps", 20, 1, 1000);
  request.guidance = arguments->Number("guidance", 7.5);
  request.guidance_rescale = arguments->Number("rescale", 0);
  request.emphasis = arguments->Has("emphasis");
  request.prompt_chunks = arguments->Integer("chunks", 1, 1, 32);
  request.clip_skip = arguments->Integer("clip-skip", 0, 0, 100);
  request.width = arguments->Integer("width", 512, 8, 8192);
  request.height = arguments->Integer("height", 512, 8, 8192);
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
  if (arguments->Has("control")) {
    SHEAF_ASSIGN_OR_RETURN(
        ControlRequest control,
        ReadControl(arguments->Text("control", ""), model.options.load));
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
      .sampler = sampler,
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

absl::Status Generate(const Model& model, const RunRequest& request,
                      Arguments* arguments) {
  const int count = arguments->Integer("count", 1, 1, kCountMax);
  SHEAF_RETURN_IF_ERROR(arguments->status());
  std::vector<RunRequest> requests;
  std::vector<Row> rows;
  for (int i = 0; i < count; ++i) {
    requests.push_back(request);
    requests.back().seed += static_cast<uint64_t>(i);
    SHEAF_ASSIGN_OR_RETURN(Row row, BeginRow(model, requests.back()));
    rows.push_back(std::move(row));
  }
  std::vector<Row*> stepping;
  for (Row& row : rows) stepping.push_back(&row);
  const Engine engine(model.unet);
  while (!rows[0].done()) SHEAF_RETURN_IF_ERROR(engine.Step(stepping));
  std::vector<at::Tensor> latents;
  for (const Row& row : rows) latents.push_back(row.sample());
  SHEAF_ASSIGN_OR_RETURN(
      const std::vector<Image> images,
      DecodePictures(model, latents, {.tiling = arguments->Has("tiling")}));
  for (size_t i = 0; i < images.size(); ++i) {
    SHEAF_RETURN_IF_ERROR(Write(
        model, requests[i], arguments->Text("sampler", "auto"), images[i],
        Numbered(arguments->Text("out", "out.png"), i + 1, images.size())));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Model>> ModelOf(Arguments* arguments) {
  if (arguments->words().size() != 1) {
    return absl::InvalidArgumentError("one model's folder is needed");
  }
  ModelOptions options;
  options.load.variant = arguments->Text("variant", "");
  return LoadModel(arguments->words()[0], options);
}

absl::Status RunText(Arguments* arguments) {
  SHEAF_ASSIGN_OR_RETURN(const auto model, ModelOf(arguments));
  SHEAF_ASSIGN_OR_RETURN(const RunRequest request,
                         ReadRequest(*model, arguments));
  return Generate(*model, request, arguments);
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
  return Generate(*model, request, arguments);
}

}  // namespace

Command TextToImageCommand() {
  return {"txt2img", "MODEL", "Makes pictures from a prompt.", CommonOptions(),
          &RunText};
}

Command ImageToImageCommand() {
  std::vector<Option> options = CommonOptions();
  options.push_back({"image", "PNG", "the picture to begin with"});
  options.push_back({"strength", "NUMBER", "0 to 1; default: 0.8"});
  options.push_back({"mask", "PNG", "paint only where it is white"});
  options.push_back({"edit", "", "the prompt is an instruction"});
  options.push_back({"image-guidance", "NUMBER", "of --edit; default: 1.5"});
  return {"img2img", "MODEL", "Makes pictures from a picture.",
          std::move(options), &RunImage};
}

}  // namespace sheaf::engine
