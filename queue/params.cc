#include "queue/params.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status.h"

namespace sheaf {
namespace {

// Kept for the next text of a thread.
constexpr size_t kScratchBytesMax = 64 << 10;

// The single-valued fields, once: Merge, Encode and Decode iterate them.
template <class Params, class F>
void ForEachValue(Params& params, F f) {
  f("prompt", params.prompt);
  f("negative_prompt", params.negative_prompt);
  f("seed", params.seed);
  f("steps", params.steps);
  f("guidance", params.guidance);
  f("sampler", params.sampler);
  f("width", params.width);
  f("height", params.height);
  f("model", params.model);
  f("vae", params.vae);
  f("init_image", params.init_image);
  f("mask", params.mask);
  f("strength", params.strength);
}

void Put(JsonObject& object, std::string_view name, const std::string& value) {
  object.Text(name, value);
}
void Put(JsonObject& object, std::string_view name, int64_t value) {
  object.Integer(name, value);
}
void Put(JsonObject& object, std::string_view name, double value) {
  object.Number(name, value);
}

bool Get(const Json& json, std::optional<std::string>* value) {
  if (json.text() == nullptr) return false;
  *value = *json.text();
  return true;
}
bool Get(const Json& json, std::optional<int64_t>* value) {
  *value = json.integer();
  return value->has_value();
}
bool Get(const Json& json, std::optional<double>* value) {
  *value = json.number();
  return value->has_value();
}

// A member that may be missing, but may not have another type.
template <class T>
bool GetOptional(const Json& item, std::string_view name, T* value) {
  const Json* member = item.Find(name);
  return member == nullptr || Get(*member, value);
}

template <class T, class F>
void PutList(JsonObject& object, const char* name, const std::vector<T>& list,
             std::string* out, F put) {
  if (list.empty()) return;
  object.Name(name);
  *out += '[';
  bool first = true;
  for (const T& item : list) {
    if (!first) *out += ',';
    first = false;
    JsonObject element(out);
    put(element, item);
    element.Close();
  }
  *out += ']';
}

template <class Map>
void PutMap(JsonObject& object, const char* name, const Map& map,
            std::string* out) {
  if (map.empty()) return;
  object.Name(name);
  JsonObject entries(out);
  for (const auto& [key, value] : map) Put(entries, key, value);
  entries.Close();
}

bool GetControls(const Json& json, std::vector<Control>* controls) {
  if (json.array() == nullptr) return false;
  for (const Json& item : *json.array()) {
    Control& control = controls->emplace_back();
    const Json* type = item.Find("type");
    if (type == nullptr || type->text() == nullptr) return false;
    control.type = *type->text();
    if (!GetOptional(item, "weight", &control.weight)) return false;
    if (!GetOptional(item, "start", &control.start)) return false;
    if (!GetOptional(item, "end", &control.end)) return false;
    if (const Json* j = item.Find("image")) {
      if (j->text() == nullptr) return false;
      control.image = *j->text();
    }
  }
  return true;
}

bool GetLoras(const Json& json, std::vector<Lora>* loras) {
  if (json.array() == nullptr) return false;
  for (const Json& item : *json.array()) {
    const Json* name = item.Find("name");
    if (name == nullptr || name->text() == nullptr) return false;
    Lora& lora = loras->emplace_back();
    lora.name = *name->text();
    if (!GetOptional(item, "weight", &lora.weight)) return false;
  }
  return true;
}

bool GetWeights(const Json& json, std::map<std::string, double>* weights) {
  if (json.object() == nullptr) return false;
  for (const auto& [type, weight] : *json.object()) {
    if (!weight.number()) return false;
    (*weights)[type] = *weight.number();
  }
  return true;
}

bool GetExtra(const Json& json, std::map<std::string, std::string>* extra) {
  if (json.object() == nullptr) return false;
  for (const auto& [key, value] : *json.object()) {
    if (value.text() == nullptr) return false;
    (*extra)[key] = *value.text();
  }
  return true;
}

// Whether `name` is a field and `value` one of its values.
bool GetMember(const std::string& name, const Json& value, RunParams* params) {
  if (name == "controls") return GetControls(value, &params->controls);
  if (name == "loras") return GetLoras(value, &params->loras);
  if (name == "weights") return GetWeights(value, &params->weights);
  if (name == "extra") return GetExtra(value, &params->extra);
  bool got = false;
  ForEachValue(*params, [&](const char* field, auto& slot) {
    if (name == field) got = Get(value, &slot);
  });
  return got;
}

template <class T>
void Override(T& shared, const T& own) {
  if (own) shared = own;
}

}  // namespace

RunParams Merge(const RunParams& shared, const RunParams& own) {
  RunParams all = shared;
  Override(all.prompt, own.prompt);
  Override(all.negative_prompt, own.negative_prompt);
  Override(all.seed, own.seed);
  Override(all.steps, own.steps);
  Override(all.guidance, own.guidance);
  Override(all.sampler, own.sampler);
  Override(all.width, own.width);
  Override(all.height, own.height);
  Override(all.model, own.model);
  Override(all.vae, own.vae);
  Override(all.init_image, own.init_image);
  Override(all.mask, own.mask);
  Override(all.strength, own.strength);
  if (!own.controls.empty()) all.controls = own.controls;
  if (!own.loras.empty()) all.loras = own.loras;
  for (const auto& [type, weight] : own.weights) all.weights[type] = weight;
  for (const auto& [key, value] : own.extra) all.extra[key] = value;
  return all;
}

RunParams Common(const std::vector<RunParams>& requests) {
  RunParams all = requests.empty() ? RunParams{} : requests.front();
  const auto keep = [&](auto member) {
    for (const RunParams& other : requests) {
      if (other.*member != all.*member) all.*member = {};
    }
  };
  keep(&RunParams::prompt);
  keep(&RunParams::negative_prompt);
  keep(&RunParams::seed);
  keep(&RunParams::steps);
  keep(&RunParams::guidance);
  keep(&RunParams::sampler);
  keep(&RunParams::width);
  keep(&RunParams::height);
  keep(&RunParams::model);
  keep(&RunParams::vae);
  keep(&RunParams::controls);
  keep(&RunParams::weights);
  keep(&RunParams::loras);
  keep(&RunParams::init_image);
  keep(&RunParams::mask);
  keep(&RunParams::strength);
  keep(&RunParams::extra);
  return all;
}

std::string Encode(const RunParams& params) {
  // It grows once per thread, not once per call.
  thread_local std::string out;
  if (out.capacity() > kScratchBytesMax) out = std::string();
  out.clear();
  JsonObject object(&out);
  ForEachValue(params, [&](const char* name, const auto& value) {
    if (value) Put(object, name, *value);
  });
  PutList(object, "controls", params.controls, &out,
          [](JsonObject& o, const Control& control) {
            o.Text("type", control.type);
            if (control.weight) o.Number("weight", *control.weight);
            if (!control.image.empty()) o.Text("image", control.image);
            if (control.start) o.Number("start", *control.start);
            if (control.end) o.Number("end", *control.end);
          });
  PutMap(object, "weights", params.weights, &out);
  PutList(object, "loras", params.loras, &out,
          [](JsonObject& o, const Lora& lora) {
            o.Text("name", lora.name);
            if (lora.weight) o.Number("weight", *lora.weight);
          });
  PutMap(object, "extra", params.extra, &out);
  object.Close();
  return out;
}

absl::StatusOr<RunParams> DecodeParams(std::string_view text) {
  absl::StatusOr<Json> json = Json::Parse(text);
  if (!json.ok() || json->object() == nullptr) {
    return absl::DataLossError("stored params are not a JSON object");
  }
  RunParams params;
  for (const auto& [name, value] : *json->object()) {
    if (!GetMember(name, value, &params)) {
      return absl::DataLossError(
          absl::StrCat("stored params have a wrong member: ", name));
    }
  }
  return params;
}

bool HaveSameExtra(const RunParams& a, const RunParams& b) {
  const auto engines = [](std::map<std::string, std::string> extra) {
    std::erase_if(extra,
                  [](const auto& each) { return IsForSimulation(each.first); });
    return extra;
  };
  // Mostly both are empty, or one job's.
  return a.extra == b.extra || engines(a.extra) == engines(b.extra);
}

std::vector<std::string> ArtifactsOf(const RunParams& params) {
  std::vector<std::string> digests;
  if (params.init_image) digests.push_back(*params.init_image);
  if (params.mask) digests.push_back(*params.mask);
  for (const Control& control : params.controls) {
    if (!control.image.empty()) digests.push_back(control.image);
  }
  return digests;
}

std::map<std::string, double> EffectiveWeights(const RunParams& params) {
  std::map<std::string, double> weights;
  for (const Control& control : params.controls) {
    weights[control.type] = control.weight.value_or(1.0);
  }
  for (const auto& [type, weight] : params.weights) weights[type] = weight;
  return weights;
}

std::vector<std::map<std::string, double>> WeightsList(
    const std::vector<RunParams>& requests) {
  std::vector<std::map<std::string, double>> list;
  std::set<std::string> types;
  for (const RunParams& params : requests) {
    list.push_back(EffectiveWeights(params));
    for (const auto& entry : list.back()) types.insert(entry.first);
  }
  for (auto& weights : list) {
    for (const std::string& type : types) weights.try_emplace(type, 0.0);
  }
  return list;
}

}  // namespace sheaf
