#include <algorithm>
#include <cmath>
#include <filesystem>

#include "absl/strings/numbers.h"
#include "base/status.h"
#include "inference/engine/families/unet/controlnet.h"
#include "inference/engine/families/unet/unet.h"
#include "inference/engine/models/clip_text.h"
#include "inference/engine/models/vae.h"
#include "inference/engine/pipeline/noise.h"
#include "inference/engine/verify/cases.h"

namespace sheaf::engine {
namespace {

constexpr double kTextTolerance = 1e-5;
constexpr double kControlTolerance = 1e-5;
constexpr double kUNetTolerance = 2e-5;
constexpr double kVaeTolerance = 2e-5;

// The path of the model's folder, which the file's metadata names.
absl::StatusOr<std::string> ModelOf(const CaseList& list,
                                    const CaseFile& file) {
  const auto found = file.metadata.find("model");
  if (found == file.metadata.end()) {
    return absl::InvalidArgumentError("its metadata names no model");
  }
  return list.folder() + "/models/" + found->second;
}

TimeInput TimeOf(const CaseFile& file) {
  return {.timesteps = file.at("timestep"),
          .pooled = file.at("text_embeds"),
          .time_ids = file.at("time_ids"),
          .guidance = file.at("guidance")};
}

absl::Status CheckUNet(const std::string& model, const Judge& judge,
                       const CaseFile& file, Outcome* outcome) {
  SHEAF_ASSIGN_OR_RETURN(const auto unet,
                         UNet::Load(model, {}, judge.placement()));
  judge.Module((*unet)({.sample = file.at("sample"),
                        .time = TimeOf(file),
                        .context = file.at("encoder_hidden_states")}),
               file.at("out"), kUNetTolerance, outcome);
  return absl::OkStatus();
}

// A number of the file's metadata.
absl::StatusOr<double> NumberOf(const CaseFile& file, const std::string& name) {
  const auto found = file.metadata.find(name);
  double number = 0;
  if (found == file.metadata.end() ||
      !absl::SimpleAtod(found->second, &number)) {
    return absl::InvalidArgumentError("its metadata has no " + name);
  }
  return number;
}

absl::Status CheckControlNet(const std::string& model, const Judge& judge,
                             const CaseFile& file, Outcome* outcome) {
  SHEAF_ASSIGN_OR_RETURN(const double scale,
                         NumberOf(file, "conditioning_scale"));
  SHEAF_ASSIGN_OR_RETURN(const auto net,
                         ControlNet::Load(model, {}, judge.placement()));
  const auto guess = file.metadata.find("guess_mode");
  const at::Tensor sample = file.at("sample");
  const ControlResiduals out = (*net)(
      {.sample = sample,
       .time = TimeOf(file),
       .context = file.at("encoder_hidden_states"),
       .hint = file.at("controlnet_cond"),
       .weights = at::full({sample.size(0)}, scale),
       .guess_mode = guess != file.metadata.end() && guess->second == "true"});
  judge.Module(out.middle, file.at("mid"), kControlTolerance, outcome);
  for (size_t i = 0; i < out.down.size(); ++i) {
    judge.Module(out.down[i], file.at("down_" + std::to_string(i)),
                 kControlTolerance, outcome);
  }
  return absl::OkStatus();
}

absl::Status CheckText(const std::string& model, const Judge& judge,
                       const CaseFile& file, Outcome* outcome) {
  SHEAF_ASSIGN_OR_RETURN(const auto clip,
                         ClipText::Load(model, {}, judge.placement()));
  const ClipTextOutput out = (*clip)(file.at("ids"));
  for (const auto& [name, expected] : file.tensors) {
    at::Tensor actual;
    int64_t number = 0;
    const auto is = [&, key = name](const std::string& prefix) {
      return key.rfind(prefix, 0) == 0 &&
             absl::SimpleAtoi(key.substr(prefix.size()), &number);
    };
    const auto count = static_cast<int64_t>(out.hidden.size());
    if (name == "ids") continue;
    if (name == "last_hidden_state") actual = out.last;
    if (name == "pooled") actual = out.pooled;
    if (name == "text_embeds") actual = out.projected;
    if (is("hidden_") && number < count) {
      actual = out.hidden[static_cast<size_t>(number)];
    }
    if (is("clip_skip_") && number < count) {
      actual = clip->Skipped(out, number);
    }
    judge.Module(actual, expected, kTextTolerance, outcome);
  }
  return absl::OkStatus();
}

absl::Status CheckVae(const std::string& model, const Judge& judge,
                      const CaseFile& file, Outcome* outcome) {
  const bool is_pipeline = !std::filesystem::exists(model + "/config.json");
  SHEAF_ASSIGN_OR_RETURN(
      const auto vae,
      Vae::Load(is_pipeline ? model + "/vae" : model, {}, judge.placement()));
  const auto encodes = [&](const char* from, const char* to, bool tiles) {
    if (!file.has(from) || !file.has(to)) return;
    judge.Module(vae->Encode(file.at(from), {.tiling = tiles}), file.at(to),
                 kVaeTolerance, outcome);
  };
  const auto decodes = [&](const char* from, const char* to, bool tiles) {
    if (!file.has(from) || !file.has(to)) return;
    judge.Module(vae->Decode(file.at(from), {.tiling = tiles}), file.at(to),
                 kVaeTolerance, outcome);
  };
  encodes("image", "moments", false);
  encodes("image", "encoded", false);
  decodes("latents", "decoded", false);
  encodes("tiled_image", "tiled_moments", true);
  decodes("tiled_latents", "tiled_decoded", true);
  return absl::OkStatus();
}

absl::Status CheckRandom(const CaseFile& file, Outcome* outcome) {
  outcome->tolerance = 0;
  for (const auto& [name, expected] : file.tensors) {
    uint64_t seed = 0;
    if (name.rfind("seed_", 0) != 0 ||
        !absl::SimpleAtoi(name.substr(5), &seed)) {
      return absl::InvalidArgumentError(name + " is not the name of a seed");
    }
    Normals normals(RandomMode::kCpu, seed);
    Compare(DrawNoise(expected.sizes(), &normals), expected, outcome);
  }
  return absl::OkStatus();
}

struct Kind {
  const char* group;
  const char* mark;  // A tensor that only this kind has.
  absl::Status (*check)(const std::string& model, const Judge& judge,
                        const CaseFile& file, Outcome* outcome);
};
constexpr Kind kKinds[] = {
    {"text encoders", "ids", &CheckText},
    {"ControlNets", "controlnet_cond", &CheckControlNet},
    {"UNets", "out", &CheckUNet},
    {"VAEs", "latents", &CheckVae},
};

void RunFile(CaseList* list, const std::string& path, const std::string& name) {
  const auto file = ReadCaseFile(path);
  if (!file.ok()) {
    list->Run("modules", name, [&](Outcome*) { return file.status(); });
    return;
  }
  for (const Kind& kind : kKinds) {
    if (!file->has(kind.mark)) continue;
    list->Run(kind.group, name, [&](Outcome* outcome) {
      SHEAF_ASSIGN_OR_RETURN(const std::string model, ModelOf(*list, *file));
      const Judge& judge = list->judge();
      return kind.check(model, judge, file->On(judge.placement().device),
                        outcome);
    });
    return;
  }
  list->Run("random numbers", name,
            [&](Outcome* outcome) { return CheckRandom(*file, outcome); });
}

}  // namespace

void RunModuleCases(CaseList* list) {
  const std::string folder = list->folder() + "/modules";
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    if (entry.path().extension() == ".safetensors") {
      names.push_back(entry.path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    RunFile(list, folder + "/" + name, "modules/" + name);
  }
}

}  // namespace sheaf::engine
