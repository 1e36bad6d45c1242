#include <algorithm>
#include <filesystem>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/families/load_model.h"
#include "inference/engine/families/unet/model.h"
#include "inference/engine/image/png.h"
#include "inference/engine/pipeline/begin.h"
#include "inference/engine/pipeline/pictures.h"
#include "inference/engine/pipeline/row_stepper.h"
#include "inference/engine/verify/cases.h"
#include "inference/engine/weights/file.h"

namespace sheaf::engine {
namespace {

constexpr size_t kPictureBytesMax = size_t{256} << 20;

struct PipelineKind {
  std::string_view class_name;
  Task task;
  double guidance;
  double strength;
};
// The pipelines with their default guidance and strength.
constexpr PipelineKind kPipelines[] = {
    {"StableDiffusionPipeline", Task::kText, 7.5, 1.0},
    {"StableDiffusionXLPipeline", Task::kText, 5.0, 1.0},
    {"StableDiffusionControlNetPipeline", Task::kText, 7.5, 1.0},
    {"StableDiffusionXLControlNetPipeline", Task::kText, 5.0, 1.0},
    {"StableDiffusionImg2ImgPipeline", Task::kImage, 7.5, 0.8},
    {"StableDiffusionXLImg2ImgPipeline", Task::kImage, 5.0, 0.3},
    {"StableDiffusionInpaintPipeline", Task::kInpaint, 7.5, 1.0},
    {"StableDiffusionXLInpaintPipeline", Task::kInpaint, 7.5, 0.9999},
    {"StableDiffusionInstructPix2PixPipeline", Task::kEdit, 7.5, 1.0},
};

// The keys that a row of cases.jsonl may have. A case with other keys is not
// run, since their meaning is not known here.
const std::set<std::string_view>& KnownKeys() {
  static const auto* keys =
      new std::set<std::string_view>{"name",
                                     "pipeline",
                                     "scheduler",
                                     "steps",
                                     "width",
                                     "height",
                                     "seed",
                                     "from_config_overrides",
                                     "prompt",
                                     "prompt_2",
                                     "negative_prompt",
                                     "negative_prompt_2",
                                     "guidance_scale",
                                     "guidance_rescale",
                                     "clip_skip",
                                     "eta",
                                     "image",
                                     "mask_image",
                                     "strength",
                                     "image_guidance_scale",
                                     "controlnets",
                                     "controlnet_conditioning_scale",
                                     "guess_mode",
                                     "control_guidance_start",
                                     "control_guidance_end",
                                     "original_size",
                                     "crops_coords_top_left",
                                     "target_size",
                                     "denoising_start",
                                     "denoising_end",
                                     "base",
                                     "aesthetic_score",
                                     "negative_aesthetic_score",
                                     "model",
                                     "unet",
                                     "vae"};
  return *keys;
}

struct Folders {
  std::string model;
  std::string unet;  // Empty: the model's own.
  std::string vae;
};

// The folders below models/, by name.
std::vector<std::string> ModelNames(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder + "/models", none)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A UNet that stands alone below models/ and was made for that task alone.
absl::StatusOr<std::string> UNetFor(const std::string& folder, Task task) {
  for (const std::string& name : ModelNames(folder)) {
    const std::string path = folder + "/models/" + name;
    const auto tasks = ReadUNetTasks(path);
    if (tasks.ok() && *tasks == std::vector<Task>{task}) return path;
  }
  return absl::NotFoundError("no UNet for this task alone below models/");
}

// A row names its model, or its own name tells which: "sd2-..." is for the
// model whose folder ends in "-sd2". Rows with denoising_start are for a
// refiner.
absl::StatusOr<std::string> ModelFolder(const std::string& folder,
                                        const Config& line,
                                        const std::string& name) {
  Config::Reader r(line);
  const std::string named = r.Text("model", "");
  if (!named.empty()) return folder + "/models/" + named;
  const std::string family =
      line.Has("denoising_start") ? "refiner" : name.substr(0, name.find('-'));
  for (const std::string& model : ModelNames(folder)) {
    if (model == family || model.ends_with("-" + family)) {
      return folder + "/models/" + model;
    }
  }
  return absl::NotFoundError("no model of the family \"" + family +
                             "\" below models/");
}

// Rows that inpaint with a UNet that was made for it have "inpaint9" in their
// name.
absl::StatusOr<Folders> FoldersOf(const std::string& folder, const Config& line,
                                  const std::string& name, Task task) {
  Folders folders;
  SHEAF_ASSIGN_OR_RETURN(folders.model, ModelFolder(folder, line, name));
  Config::Reader r(line);
  const std::string unet = r.Text("unet", "");
  const std::string vae = r.Text("vae", "");
  if (!vae.empty()) folders.vae = folder + "/models/" + vae;
  if (!unet.empty()) {
    folders.unet = folder + "/models/" + unet;
  } else if (task == Task::kEdit) {
    SHEAF_ASSIGN_OR_RETURN(folders.unet, UNetFor(folder, task));
  } else if (task == Task::kInpaint &&
             name.find("inpaint9") != std::string::npos) {
    SHEAF_ASSIGN_OR_RETURN(folders.unet, UNetFor(folder, task));
  }
  return folders;
}

// The loaded models and ControlNets that cases share.
class Loaded {
 public:
  Loaded(std::string folder, const Placement& placement)
      : folder_(std::move(folder)), placement_(placement) {}

  const std::string& folder() const { return folder_; }

  absl::StatusOr<std::shared_ptr<const Model>> ModelOf(const Folders& folders) {
    auto& model =
        models_[folders.model + "\n" + folders.unet + "\n" + folders.vae];
    if (model == nullptr) {
      SHEAF_ASSIGN_OR_RETURN(model,
                             LoadModel(folders.model, {.placement = placement_,
                                                       .denoiser = folders.unet,
                                                       .vae = folders.vae}));
    }
    return model;
  }

  absl::StatusOr<std::shared_ptr<const ControlModel>> Net(
      const Model& model, const std::string& name) {
    std::shared_ptr<const ControlModel>& net = nets_[name];
    if (net == nullptr) {
      SHEAF_ASSIGN_OR_RETURN(
          net, model.denoiser->LoadControl(folder_ + "/models/" + name, {}));
    }
    return net;
  }

  absl::StatusOr<Image> Picture(const std::string& name) const {
    SHEAF_ASSIGN_OR_RETURN(
        const std::string bytes,
        ReadFile(folder_ + "/images/" + name, kPictureBytesMax));
    SHEAF_ASSIGN_OR_RETURN(PngFile file, DecodePng(bytes));
    return std::move(file.image);
  }

 private:
  const std::string folder_;
  const Placement placement_;
  std::map<std::string, std::shared_ptr<const Model>> models_;
  std::map<std::string, std::shared_ptr<const ControlModel>> nets_;
};

absl::Status ReadScheduler(const Config& line, RunRequest* request) {
  const Json* scheduler = line.Find("scheduler");
  const Json* name = scheduler == nullptr ? nullptr : scheduler->Find("class");
  const Json* config =
      scheduler == nullptr ? nullptr : scheduler->Find("config");
  if (name == nullptr || name->text() == nullptr || config == nullptr ||
      config->object() == nullptr) {
    return absl::InvalidArgumentError("no scheduler with class and config");
  }
  const auto found = SchedulerClassNamed(*name->text());
  if (!found) {
    return absl::InvalidArgumentError(*name->text() + " is not known here");
  }
  SHEAF_ASSIGN_OR_RETURN(
      request->scheduler,
      ReadSchedulerConfig(*found, Config::Of(*config, *name->text())));
  // Pipelines pass eta to these two; it is 0 unless the case sets it.
  if (*found == SchedulerClass::kDdim || *found == SchedulerClass::kTcd) {
    Config::Reader r(line);
    request->eta = r.Double("eta", 0);
  }
  return absl::OkStatus();
}

std::optional<Pair> ReadPair(Config::Reader* r, std::string_view key) {
  const std::vector<int64_t> pair = r->Ints(key, {});
  if (pair.empty()) return std::nullopt;
  if (pair.size() != 2) {
    r->Fail(key, "is not a pair");
    return std::nullopt;
  }
  return Pair{pair[0], pair[1]};
}

absl::Status ReadNumbers(const Config& line, RunRequest* request) {
  Config::Reader r(line);
  request->prompt = r.Text("prompt", "");
  request->prompt_2 = r.OptionalText("prompt_2");
  request->negative_prompt = r.OptionalText("negative_prompt");
  request->negative_prompt_2 = r.OptionalText("negative_prompt_2");
  request->steps = static_cast<int>(r.Int("steps", 0));
  request->width = static_cast<int>(r.Int("width", 0));
  request->height = static_cast<int>(r.Int("height", 0));
  request->seed = static_cast<uint64_t>(r.Int("seed", 0));
  request->clip_skip = static_cast<int>(r.Int("clip_skip", 0));
  request->guidance = r.Double("guidance_scale", request->guidance);
  request->guidance_rescale = r.Double("guidance_rescale", 0);
  request->image_guidance = r.Double("image_guidance_scale", 1.5);
  request->strength = r.Double("strength", request->strength);
  request->denoising_start = r.OptionalDouble("denoising_start");
  request->denoising_end = r.OptionalDouble("denoising_end");
  request->guess_mode = r.Bool("guess_mode", false);
  request->original_size = ReadPair(&r, "original_size");
  request->target_size = ReadPair(&r, "target_size");
  request->crop = ReadPair(&r, "crops_coords_top_left").value_or(Pair{});
  request->aesthetic_score = r.Double("aesthetic_score", 6.0);
  request->negative_aesthetic_score = r.Double("negative_aesthetic_score", 2.5);
  return r.status();
}

// One value for all, or one for each.
double Each(const std::vector<double>& values, size_t at, double otherwise) {
  if (values.empty()) return otherwise;
  return values[std::min(at, values.size() - 1)];
}

absl::Status ReadControls(const Config& line, const Model& model,
                          Loaded* loaded, RunRequest* request) {
  Config::Reader r(line);
  const auto nets = r.Texts("controlnets", {});
  const auto images = r.Texts("image", {});
  const auto weights = r.Doubles("controlnet_conditioning_scale", {1.0});
  const auto starts = r.Doubles("control_guidance_start", {0.0});
  const auto ends = r.Doubles("control_guidance_end", {1.0});
  SHEAF_RETURN_IF_ERROR(r.status());
  if (images.size() != nets.size()) {
    return absl::InvalidArgumentError("not one picture per ControlNet");
  }
  for (size_t i = 0; i < nets.size(); ++i) {
    ControlRequest control;
    SHEAF_ASSIGN_OR_RETURN(control.net, loaded->Net(model, nets[i]));
    SHEAF_ASSIGN_OR_RETURN(control.image, loaded->Picture(images[i]));
    control.weight = Each(weights, i, 1.0);
    control.start = Each(starts, i, 0.0);
    control.end = Each(ends, i, 1.0);
    request->controls.push_back(std::move(control));
  }
  return absl::OkStatus();
}

// The pictures a row starts from, by name; or latents, which lie beside the
// results.
absl::Status ReadPictures(const Config& line, const CaseFile& file,
                          const Loaded& loaded, RunRequest* request) {
  Config::Reader r(line);
  if (file.has("in.image")) {
    request->latents = FromTorch(file.at("in.image"));
  } else {
    SHEAF_ASSIGN_OR_RETURN(request->image, loaded.Picture(r.Text("image", "")));
  }
  if (request->task == Task::kInpaint) {
    SHEAF_ASSIGN_OR_RETURN(request->mask,
                           loaded.Picture(r.Text("mask_image", "")));
  }
  return r.status();
}

absl::StatusOr<RunRequest> ReadRequest(const Config& line,
                                       const PipelineKind& kind,
                                       const CaseFile& file, const Model& model,
                                       Loaded* loaded) {
  RunRequest request;
  request.task = kind.task;
  request.guidance = kind.guidance;
  request.strength = kind.strength;
  SHEAF_RETURN_IF_ERROR(ReadNumbers(line, &request));
  SHEAF_RETURN_IF_ERROR(ReadScheduler(line, &request));
  if (line.Has("controlnets")) {
    SHEAF_RETURN_IF_ERROR(ReadControls(line, model, loaded, &request));
  } else if (kind.task != Task::kText) {
    SHEAF_RETURN_IF_ERROR(ReadPictures(line, file, *loaded, &request));
  }
  return request;
}

absl::StatusOr<const PipelineKind*> KindOf(const Config& line) {
  for (const auto& member : *line.json().object()) {
    if (KnownKeys().count(member.first) == 0) {
      return absl::UnimplementedError("it says \"" + member.first +
                                      "\", which means nothing here");
    }
  }
  Config::Reader r(line);
  const std::string name = r.Text("pipeline", "");
  for (const PipelineKind& kind : kPipelines) {
    if (kind.class_name == name) return &kind;
  }
  return absl::UnimplementedError(name + " is not known here");
}

struct Result {
  at::Tensor latents;  // [1, channels, height, width]
  Image image;
};

absl::StatusOr<Result> Generate(const Config& line, const std::string& name,
                                const CaseFile& file, Loaded* loaded) {
  SHEAF_ASSIGN_OR_RETURN(const PipelineKind* kind, KindOf(line));
  SHEAF_ASSIGN_OR_RETURN(const Folders folders,
                         FoldersOf(loaded->folder(), line, name, kind->task));
  SHEAF_ASSIGN_OR_RETURN(const auto model, loaded->ModelOf(folders));
  SHEAF_ASSIGN_OR_RETURN(const RunRequest request,
                         ReadRequest(line, *kind, file, *model, loaded));
  SHEAF_ASSIGN_OR_RETURN(Row row, BeginRow(*model, request));
  const RowStepper engine(model->denoiser);
  while (!row.done()) SHEAF_RETURN_IF_ERROR(engine.Step({&row}));
  Result result;
  result.latents = row.sample().unsqueeze(0);
  SHEAF_ASSIGN_OR_RETURN(std::vector<Image> images,
                         DecodePictures(*model, {row.sample()}, {}));
  result.image = std::move(images[0]);
  return result;
}

void RunCase(CaseList* list, const Json& json, Loaded* loaded) {
  const Config line = Config::Of(json, "pipelines/cases.jsonl");
  Config::Reader r(line);
  const std::string name = r.Text("name", "?");
  const std::string path = "pipelines/" + name;
  std::optional<Result> result;
  CaseFile file;
  list->Run("latents", path, [&](Outcome* outcome) {
    SHEAF_ASSIGN_OR_RETURN(
        file, ReadCaseFile(list->folder() + "/" + path + ".safetensors"));
    SHEAF_ASSIGN_OR_RETURN(result, Generate(line, name, file, loaded));
    list->judge().Latents(result->latents, file.at("latents"), outcome);
    return absl::OkStatus();
  });
  // Where there is no result, the outcome above says why.
  if (!result) return;
  list->Run("pictures", path, [&](Outcome* outcome) {
    if (!file.has("image")) return absl::NotFoundError("no tensor image");
    list->judge().Picture(result->image, file.at("image"), outcome);
    return absl::OkStatus();
  });
}

}  // namespace

void RunPipelineCases(CaseList* list) {
  const auto lines = ReadJsonLines(list->folder() + "/pipelines/cases.jsonl");
  if (!lines.ok()) {
    list->Run("latents", "pipelines/cases.jsonl",
              [&](Outcome*) { return lines.status(); });
    return;
  }
  Loaded loaded(list->folder(), list->judge().placement());
  for (const Json& line : *lines) RunCase(list, line, &loaded);
}

}  // namespace sheaf::engine
