#include "batching/rows/request_fields.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status.h"
#include "queue/order.h"

namespace sheaf::batching {
namespace {

void Append(const std::string& value, std::string* out) {
  AppendJsonString(value, out);
}
void Append(int64_t value, std::string* out) { absl::StrAppend(out, value); }
void Append(double value, std::string* out) {
  AppendJsonNumber(value == 0 ? 0.0 : value, out);  // -0 is 0
}

// The value of one optional field, its default where it is absent, and
// nothing where there is neither.
template <auto kMember>
void AppendValue(const Request& request, std::string* out) {
  if (const auto& own = request.params->*kMember) return Append(*own, out);
  if (request.defaults == nullptr) return;
  if (const auto& value = request.defaults->*kMember) Append(*value, out);
}

void AppendControlList(const std::vector<Control>& controls, bool images,
                       std::string* out) {
  for (const Control& control : controls) {
    absl::StrAppend(out, control.type, ":");
    Append(control.weight.value_or(1), out);
    absl::StrAppend(out, ":");
    Append(control.start.value_or(0), out);
    absl::StrAppend(out, ":");
    Append(control.end.value_or(1), out);
    if (images) absl::StrAppend(out, ":", control.image);
    absl::StrAppend(out, ";");
  }
}

void AppendControls(const Request& request, std::string* out) {
  AppendControlList(request.params->controls, true, out);
}

void AppendWeights(const Request& request, std::string* out) {
  for (const auto& [type, weight] : EffectiveWeights(*request.params)) {
    absl::StrAppend(out, type, ":");
    Append(weight, out);
    absl::StrAppend(out, ";");
  }
}

void AppendLoras(const Request& request, std::string* out) {
  for (const Lora& lora : request.params->loras) {
    absl::StrAppend(out, lora.name, ":");
    Append(lora.weight.value_or(1), out);
    absl::StrAppend(out, ";");
  }
}

// Nobody here knows what these mean to an engine, so they must be equal; but
// the simulated engine's faults ("sim.") strike single rows by design.
void AppendExtra(const Request& request, std::string* out) {
  for (const auto& [key, value] : request.params->extra) {
    if (IsForSimulation(key)) continue;
    Append(key, out);
    absl::StrAppend(out, ":");
    Append(value, out);
    absl::StrAppend(out, ";");
  }
}

std::string TextOf(const Field& field, const Request& request) {
  std::string text;
  field.append(request, &text);
  return text;
}

std::string SignatureText(const Request& request) {
  std::string text;
  for (const LiveControl& control : LiveControls(*request.params)) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", control.type);
  }
  return text;
}

std::string CapabilityText(const Request& request, Capability capability) {
  std::string text;
  if (capability == Capability::kFull) return text;
  const bool images = capability == Capability::kSharedImage;
  AppendControlList(request.params->controls, images, &text);
  AppendWeights(request, &text);
  return text;
}

}  // namespace

const std::vector<Field>& RequestFields() {
  using P = RunParams;
  constexpr FieldClass kHard = FieldClass::kHard;
  constexpr FieldClass kRow = FieldClass::kRow;
  // name, class, in_settings, in_seed, append
  static const auto* const kFields = new std::vector<Field>{
      {"prompt", kRow, false, false, &AppendValue<&P::prompt>},
      {"negative_prompt", kRow, false, false,
       &AppendValue<&P::negative_prompt>},
      {"seed", kRow, false, true, &AppendValue<&P::seed>},
      {"steps", kRow, true, false, &AppendValue<&P::steps>},
      {"guidance", kRow, true, false, &AppendValue<&P::guidance>},
      {"sampler", kRow, true, false, &AppendValue<&P::sampler>},
      {"width", kHard, false, false, &AppendValue<&P::width>},
      {"height", kHard, false, false, &AppendValue<&P::height>},
      {"model", kHard, false, false, &AppendValue<&P::model>},
      {"vae", kHard, false, false, &AppendValue<&P::vae>},
      {"controls", kRow, false, false, &AppendControls},
      {"weights", kRow, false, false, &AppendWeights},
      {"loras", kRow, false, false, &AppendLoras},
      {"init_image", kRow, false, false, &AppendValue<&P::init_image>},
      {"mask", kRow, false, false, &AppendValue<&P::mask>},
      {"strength", kRow, false, false, &AppendValue<&P::strength>},
      {"extra", kHard, false, false, &AppendExtra},
  };
  return *kFields;
}

void AppendKey(const Request& request, Capability capability,
               std::string* out) {
  for (const Field& field : RequestFields()) {
    if (field.field_class != FieldClass::kHard) continue;
    field.append(request, out);
    *out += '|';
  }
  *out += CapabilityText(request, capability);
}

void AppendSettings(const Request& request, std::string* out) {
  for (const Field& field : RequestFields()) {
    if (!field.in_settings) continue;
    field.append(request, out);
    *out += '|';
  }
}

std::vector<LiveControl> LiveControls(const RunParams& params) {
  std::map<std::string, double> weights = EffectiveWeights(params);
  std::vector<LiveControl> live;
  for (const Control& control : params.controls) {
    const double weight = weights[control.type];
    if (!(weight > 0)) continue;
    live.push_back({control.type, weight, control.start.value_or(0),
                    control.end.value_or(1)});
  }
  for (const Control& control : params.controls) weights.erase(control.type);
  for (const auto& [type, weight] : weights) {
    if (weight > 0) live.push_back({type, weight, 0, 1});
  }
  std::stable_sort(live.begin(), live.end(), [](const auto& a, const auto& b) {
    return a.type < b.type;
  });
  return live;
}

Explanation Explain(const Request& a, const Request& b, Capability capability) {
  Explanation explanation;
  const auto compare = [&](std::string_view field, std::string left,
                           std::string right, bool strict, bool mixed) {
    if (left == right) return;
    explanation.strict &= !(strict || mixed);
    explanation.mixed &= !mixed;
    explanation.differences.push_back({std::string(field), std::move(left),
                                       std::move(right), strict || mixed,
                                       mixed});
  };
  for (const Request* request : {&a, &b}) {
    if (IsBatchable(request->kind) && capability != Capability::kDisabled) {
      continue;
    }
    explanation.strict = explanation.mixed = false;
  }
  compare("kind", std::string(a.kind), std::string(b.kind), false,
          !IsBatchable(a.kind) || !IsBatchable(b.kind));
  for (const Field& field : RequestFields()) {
    compare(field.name, TextOf(field, a), TextOf(field, b), field.in_settings,
            field.field_class == FieldClass::kHard);
  }
  compare("controls with weight", SignatureText(a), SignatureText(b), true,
          false);
  compare("what the model needs equal", CapabilityText(a, capability),
          CapabilityText(b, capability), false, true);
  return explanation;
}

std::string Explanation::Text() const {
  std::string text;
  for (const Difference& difference : differences) {
    const char* verdict = difference.blocks_mixed    ? "never together"
                          : difference.blocks_strict ? "apart in strict"
                                                     : "may differ";
    absl::StrAppend(&text, difference.field, ": ", difference.a, " / ",
                    difference.b, " (", verdict, ")\n");
  }
  absl::StrAppend(&text, "strict: ", strict ? "together" : "apart",
                  "; mixed: ", mixed ? "together" : "apart", "\n");
  return text;
}

}  // namespace sheaf::batching
