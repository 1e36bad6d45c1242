#include "inference/engine/image/metadata.h"

#include <charconv>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status.h"

namespace sheaf::engine {
namespace {

std::string NumberText(double number) {
  std::string text;
  AppendJsonNumber(number, &text);
  return text;
}

// A value that holds a comma, a colon or a quote is quoted, as JSON would.
std::string Quoted(const std::string& value) {
  if (value.find_first_of(",:\"\n") == value.npos) return value;
  std::string quoted;
  AppendJsonString(value, &quoted);
  return quoted;
}

// "Steps: 20, Sampler: Euler a, ...": in the order in which others write it.
std::vector<std::pair<std::string, std::string>> Settings(
    const Generation& made) {
  std::vector<std::pair<std::string, std::string>> settings = {
      {"Steps", absl::StrCat(made.steps)},
      {"Sampler", made.sampler},
      {"CFG scale", NumberText(made.guidance)},
      {"Seed", absl::StrCat(made.seed)},
      {"Size", absl::StrCat(made.width, "x", made.height)},
      {"Model hash", made.model_hash},
      {"Model", made.model},
      {"VAE", made.vae},
      {"RNG", made.random_mode}};
  for (const auto& [key, value] : made.more) settings.emplace_back(key, value);
  std::erase_if(settings, [](const auto& pair) { return pair.second.empty(); });
  return settings;
}

// Splits "key: value, key: "quoted, value", ..."; false where it is none.
bool SplitSettings(std::string_view line,
                   std::vector<std::pair<std::string, std::string>>* settings) {
  while (!line.empty()) {
    const size_t colon = line.find(": ");
    if (colon == line.npos) return false;
    std::string key(line.substr(0, colon));
    line.remove_prefix(colon + 2);
    size_t end = 0;
    std::string value;
    if (!line.empty() && line[0] == '"') {
      for (end = 1; end < line.size() && line[end] != '"'; ++end) {
        if (line[end] == '\\') ++end;
      }
      if (end >= line.size()) return false;
      ++end;
      const auto json = Json::Parse(line.substr(0, end));
      if (!json.ok() || json->text() == nullptr) return false;
      value = *json->text();
    } else {
      end = std::min(line.find(','), line.size());
      value = std::string(line.substr(0, end));
    }
    settings->emplace_back(std::move(key), std::move(value));
    line.remove_prefix(end);
    if (!line.empty() && line.substr(0, 2) != ", ") return false;
    line.remove_prefix(std::min<size_t>(2, line.size()));
  }
  return !settings->empty();
}

template <typename T>
void ReadNumber(std::string_view text, T* number) {
  std::from_chars(text.data(), text.data() + text.size(), *number);
}

void ReadSetting(const std::string& key, const std::string& value,
                 Generation* made) {
  if (key == "Steps") {
    ReadNumber(value, &made->steps);
  } else if (key == "Sampler") {
    made->sampler = value;
  } else if (key == "CFG scale") {
    ReadNumber(value, &made->guidance);
  } else if (key == "Seed") {
    ReadNumber(value, &made->seed);
  } else if (key == "Size") {
    const size_t x = value.find('x');
    ReadNumber(value, &made->width);
    if (x != value.npos) {
      ReadNumber(std::string_view(value).substr(x + 1), &made->height);
    }
  } else if (key == "Model hash") {
    made->model_hash = value;
  } else if (key == "Model") {
    made->model = value;
  } else if (key == "VAE") {
    made->vae = value;
  } else if (key == "RNG") {
    made->random_mode = value;
  } else {
    made->more[key] = value;
  }
}

// A sampler's name and curve as node editors spell them.
struct NodeSampler {
  std::string sampler;
  std::string scheduler = "normal";
};
NodeSampler NodeSamplerOf(std::string_view name) {
  NodeSampler result;
  for (const std::string_view curve : {"karras", "exponential", "beta"}) {
    std::string lower;
    for (const char c : name) {
      lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    if (lower.size() > curve.size() && lower.ends_with(curve)) {
      result.scheduler = curve;
      name.remove_suffix(curve.size() + 1);
    }
  }
  struct Row {
    std::string_view ours;
    std::string_view theirs;
  };
  constexpr Row kRows[] = {
      {"Euler", "euler"},
      {"Euler a", "euler_ancestral"},
      {"Heun", "heun"},
      {"LMS", "lms"},
      {"DPM2", "dpm_2"},
      {"DPM2 a", "dpm_2_ancestral"},
      {"DPM++ 2M", "dpmpp_2m"},
      {"DPM++ 2M SDE", "dpmpp_2m_sde"},
      {"DPM++ 3M SDE", "dpmpp_3m_sde"},
      {"DPM++ 2S", "dpmpp_2s_ancestral"},
      {"DPM++ SDE", "dpmpp_sde"},
      {"DDIM", "ddim"},
      {"DDPM", "ddpm"},
      {"UniPC", "uni_pc_bh2"},
      {"LCM", "lcm"},
      {"SA-Solver", "sa_solver"},
      {"DEIS", "deis"},
  };
  result.sampler = std::string(name);
  for (const Row& row : kRows) {
    if (row.ours == name) result.sampler = row.theirs;
  }
  return result;
}

// ["NODE", OUTPUT]
void Link(JsonObject* inputs, std::string* out, std::string_view name,
          std::string_view node, int output) {
  inputs->Name(name);
  absl::StrAppend(out, "[\"", ToAbsl(node), "\",", output, "]");
}

// "ID": {"class_type": ..., "inputs": {...}}, the inputs written by `fill`.
template <typename Fill>
void Node(JsonObject* graph, std::string* out, std::string_view id,
          std::string_view type, Fill fill) {
  graph->Name(id);
  JsonObject node(out);
  node.Text("class_type", type);
  node.Name("inputs");
  JsonObject inputs(out);
  fill(&inputs);
  inputs.Close();
  node.Close();
}

std::string GenerationJson(const Generation& made) {
  std::string json;
  JsonObject object(&json);
  object.Text("prompt", made.prompt);
  object.Text("negative_prompt", made.negative_prompt);
  for (const auto& [key, value] : Settings(made)) object.Text(key, value);
  object.Close();
  return json;
}

}  // namespace

std::string ParametersText(const Generation& generation) {
  std::string text = generation.prompt;
  if (!generation.negative_prompt.empty()) {
    absl::StrAppend(&text, "\nNegative prompt: ", generation.negative_prompt);
  }
  text += '\n';
  bool first = true;
  for (const auto& [key, value] : Settings(generation)) {
    absl::StrAppend(&text, first ? "" : ", ", key, ": ", Quoted(value));
    first = false;
  }
  return text;
}

absl::StatusOr<Generation> ParseParameters(std::string_view text) {
  const size_t line = text.rfind('\n');
  const std::string_view last =
      line == text.npos ? text : text.substr(line + 1);
  std::vector<std::pair<std::string, std::string>> settings;
  if (last.substr(0, 7) != "Steps: " || !SplitSettings(last, &settings)) {
    return absl::InvalidArgumentError("there is no line of settings");
  }
  Generation made;
  for (const auto& [key, value] : settings) ReadSetting(key, value, &made);
  const std::string_view prompts =
      line == text.npos ? "" : text.substr(0, line);
  constexpr std::string_view kNegative = "\nNegative prompt: ";
  const size_t negative = prompts.rfind(kNegative);
  made.prompt = std::string(prompts.substr(0, negative));
  if (negative != prompts.npos) {
    made.negative_prompt =
        std::string(prompts.substr(negative + kNegative.size()));
  }
  return made;
}

std::string NodeGraphJson(const Generation& made) {
  const NodeSampler sampler = NodeSamplerOf(made.sampler);
  std::string json;
  JsonObject graph(&json);
  Node(&graph, &json, "1", "CheckpointLoaderSimple",
       [&](JsonObject* in) { in->Text("ckpt_name", made.model); });
  for (const bool positive : {true, false}) {
    Node(&graph, &json, positive ? "2" : "3", "CLIPTextEncode",
         [&](JsonObject* in) {
           in->Text("text", positive ? made.prompt : made.negative_prompt);
           Link(in, &json, "clip", "1", 1);
         });
  }
  Node(&graph, &json, "4", "EmptyLatentImage", [&](JsonObject* in) {
    in->Integer("width", made.width);
    in->Integer("height", made.height);
    in->Integer("batch_size", 1);
  });
  Node(&graph, &json, "5", "KSampler", [&](JsonObject* in) {
    in->Name("seed");
    absl::StrAppend(&json, made.seed);
    in->Integer("steps", made.steps);
    in->Number("cfg", made.guidance);
    in->Text("sampler_name", sampler.sampler);
    in->Text("scheduler", sampler.scheduler);
    in->Number("denoise", 1);
    Link(in, &json, "model", "1", 0);
    Link(in, &json, "positive", "2", 0);
    Link(in, &json, "negative", "3", 0);
    Link(in, &json, "latent_image", "4", 0);
  });
  Node(&graph, &json, "6", "VAEDecode", [&](JsonObject* in) {
    Link(in, &json, "samples", "5", 0);
    Link(in, &json, "vae", "1", 2);
  });
  Node(&graph, &json, "7", "SaveImage", [&](JsonObject* in) {
    Link(in, &json, "images", "6", 0);
    in->Text("filename_prefix", "sheaf");
  });
  graph.Close();
  return json;
}

PngTexts TextsOf(const Generation& generation) {
  return {{"parameters", ParametersText(generation)},
          {"prompt", NodeGraphJson(generation)},
          {"generation", GenerationJson(generation)}};
}

}  // namespace sheaf::engine
