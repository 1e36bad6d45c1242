#include "queue/params.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status.h"
#include "queue/run_fields.h"

namespace sheaf {
namespace {

// Kept for the next text of a thread.
constexpr size_t kScratchBytesMax = 64 << 10;

struct RandomModeName {
  RandomMode mode;
  std::string_view name;
};
constexpr RandomModeName kRandomModes[] = {{RandomMode::kCpu, "cpu"},
                                           {RandomMode::kPhilox, "philox"}};

void Put(JsonObject& object, std::string_view name, const std::string& value) {
  object.Text(name, value);
}
void Put(JsonObject& object, std::string_view name, int64_t value) {
  object.Integer(name, value);
}
void Put(JsonObject& object, std::string_view name, double value) {
  object.Number(name, value);
}
void Put(JsonObject& object, std::string_view name, bool value) {
  object.Boolean(name, value);
}
void Put(JsonObject& object, std::string_view name, RandomMode value) {
  object.Text(name, NameOf(value));
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
bool Get(const Json& json, std::optional<bool>* value) {
  if (json.boolean() == nullptr) return false;
  *value = *json.boolean();
  return true;
}
bool Get(const Json& json, std::optional<RandomMode>* value) {
  if (json.text() == nullptr) return false;
  *value = RandomModeNamed(*json.text());
  return value->has_value();
}

// A member that may be missing, but may not have another type.
template <class T>
bool GetOptional(const Json& item, std::string_view name, T* value) {
  const Json* member = item.Find(name);
  return member == nullptr || Get(*member, value);
}

template <class T>
void PutMember(JsonObject& object, std::string_view name,
               const std::optional<T>& value, std::string*) {
  if (value) Put(object, name, *value);
}

void PutMember(JsonObject& object, std::string_view name,
               const std::vector<std::string>& texts, std::string* out) {
  if (texts.empty()) return;
  object.Name(name);
  *out += '[';
  for (const std::string& text : texts) {
    if (&text != &texts.front()) *out += ',';
    AppendJsonString(text, out);
  }
  *out += ']';
}

void PutItem(JsonObject& object, const Control& control) {
  object.Text("type", control.type);
  if (control.weight) object.Number("weight", *control.weight);
  if (!control.image.empty()) object.Text("image", control.image);
  if (control.start) object.Number("start", *control.start);
  if (control.end) object.Number("end", *control.end);
  if (!control.preprocess.empty()) {
    object.Text("preprocess", control.preprocess);
  }
}
void PutItem(JsonObject& object, const Lora& lora) {
  object.Text("name", lora.name);
  if (lora.weight) object.Number("weight", *lora.weight);
}

template <class T>
void PutMember(JsonObject& object, std::string_view name,
               const std::vector<T>& list, std::string* out) {
  if (list.empty()) return;
  object.Name(name);
  *out += '[';
  bool first = true;
  for (const T& item : list) {
    if (!first) *out += ',';
    first = false;
    JsonObject element(out);
    PutItem(element, item);
    element.Close();
  }
  *out += ']';
}

template <class T>
void PutMember(JsonObject& object, std::string_view name,
               const std::map<std::string, T>& map, std::string* out) {
  if (map.empty()) return;
  object.Name(name);
  JsonObject entries(out);
  for (const auto& [key, value] : map) Put(entries, key, value);
  entries.Close();
}

bool Get(const Json& json, std::vector<std::string>* texts) {
  if (json.array() == nullptr) return false;
  for (const Json& item : *json.array()) {
    if (item.text() == nullptr) return false;
    texts->push_back(*item.text());
  }
  return true;
}

bool Get(const Json& json, std::vector<Control>* controls) {
  if (json.array() == nullptr) return false;
  for (const Json& item : *json.array()) {
    Control& control = controls->emplace_back();
    const Json* type = item.Find("type");
    if (type == nullptr || type->text() == nullptr) return false;
    control.type = *type->text();
    if (!GetOptional(item, "weight", &control.weight)) return false;
    if (!GetOptional(item, "start", &control.start)) return false;
    if (!GetOptional(item, "end", &control.end)) return false;
    for (const auto& [name, text] :
         {std::pair("image", &control.image),
          std::pair("preprocess", &control.preprocess)}) {
      const Json* const member = item.Find(name);
      if (member == nullptr) continue;
      if (member->text() == nullptr) return false;
      *text = *member->text();
    }
  }
  return true;
}

bool Get(const Json& json, std::vector<Lora>* loras) {
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

bool Get(const Json& json, std::map<std::string, double>* weights) {
  if (json.object() == nullptr) return false;
  for (const auto& [type, weight] : *json.object()) {
    if (!weight.number()) return false;
    (*weights)[type] = *weight.number();
  }
  return true;
}

bool Get(const Json& json, std::map<std::string, std::string>* extra) {
  if (json.object() == nullptr) return false;
  for (const auto& [key, value] : *json.object()) {
    if (value.text() == nullptr) return false;
    (*extra)[key] = *value.text();
  }
  return true;
}

// Whether `name` is a field and `value` one of its values.
bool GetMember(const std::string& name, const Json& value, RunParams* params) {
  bool got = false;
  ForEachRunField([&](const auto& field) {
    if (name == field.name) got = Get(value, &(params->*field.member));
  });
  return got;
}

template <class T>
void Lay(const std::optional<T>& own, std::optional<T>* shared) {
  if (own) *shared = own;
}
template <class T>
void Lay(const std::vector<T>& own, std::vector<T>* shared) {
  if (!own.empty()) *shared = own;
}
template <class T>
void Lay(const std::map<std::string, T>& own,
         std::map<std::string, T>* shared) {
  for (const auto& [key, value] : own) (*shared)[key] = value;
}

// The names under which `extra` held what are fields now.
bool WasExtra(std::string_view key) {
  bool was = false;
  ForEachRunField([&](const auto& field) {
    was = was || (field.trait == FieldTrait::kWasExtra && key == field.name);
  });
  return was;
}

}  // namespace

std::string_view NameOf(RandomMode mode) {
  for (const RandomModeName& known : kRandomModes) {
    if (known.mode == mode) return known.name;
  }
  return "";
}

std::optional<RandomMode> RandomModeNamed(std::string_view name) {
  for (const RandomModeName& known : kRandomModes) {
    if (known.name == name) return known.mode;
  }
  return std::nullopt;
}

RunParams Merge(const RunParams& shared, const RunParams& own) {
  RunParams all = shared;
  ForEachRunField(
      [&](const auto& field) { Lay(own.*field.member, &(all.*field.member)); });
  return all;
}

RunParams Common(const std::vector<RunParams>& requests) {
  RunParams all = requests.empty() ? RunParams{} : requests.front();
  ForEachRunField([&](const auto& field) {
    for (const RunParams& other : requests) {
      if (other.*field.member != all.*field.member) all.*field.member = {};
    }
  });
  return all;
}

std::string Encode(const RunParams& params) {
  // It grows once per thread, not once per call.
  thread_local std::string out;
  if (out.capacity() > kScratchBytesMax) out = std::string();
  out.clear();
  JsonObject object(&out);
  ForEachRunField([&](const auto& field) {
    PutMember(object, field.name, params.*field.member, &out);
  });
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

bool BindsBatch(std::string_view extra_key) {
  return !extra_key.starts_with("sim.") && !WasExtra(extra_key);
}

bool HaveSameExtra(const RunParams& a, const RunParams& b) {
  const auto binding = [](std::map<std::string, std::string> extra) {
    std::erase_if(extra,
                  [](const auto& each) { return !BindsBatch(each.first); });
    return extra;
  };
  // Mostly both are empty, or one job's.
  return a.extra == b.extra || binding(a.extra) == binding(b.extra);
}

std::vector<std::string> ArtifactsOf(const RunParams& params) {
  std::vector<std::string> digests;
  ForEachRunField([&](const auto& field) {
    const auto& named = params.*field.member;
    using Named = std::remove_cvref_t<decltype(named)>;
    if (field.trait != FieldTrait::kArtifact) return;
    if constexpr (std::is_same_v<Named, std::optional<std::string>>) {
      if (named) digests.push_back(*named);
    } else if constexpr (std::is_same_v<Named, std::vector<std::string>>) {
      digests.insert(digests.end(), named.begin(), named.end());
    }
  });
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
