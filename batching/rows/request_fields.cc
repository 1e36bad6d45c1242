#include "batching/rows/request_fields.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status.h"
#include "queue/order.h"
#include "queue/run_fields.h"

namespace sheaf::batching {
namespace {

void Append(const std::string& value, std::string* out) {
  AppendJsonString(value, out);
}
void Append(int64_t value, std::string* out) { absl::StrAppend(out, value); }
void Append(double value, std::string* out) {
  AppendJsonNumber(value == 0 ? 0.0 : value, out);  // -0 is 0
}
void Append(bool value, std::string* out) { *out += value ? "true" : "false"; }
void Append(RandomMode value, std::string* out) { *out += NameOf(value); }

void AppendControlList(const std::vector<Control>& controls, bool images,
                       std::string* out) {
  for (const Control& control : controls) {
    absl::StrAppend(out, control.type, ":");
    Append(control.weight.value_or(1), out);
    absl::StrAppend(out, ":");
    Append(control.start.value_or(0), out);
    absl::StrAppend(out, ":");
    Append(control.end.value_or(1), out);
    if (images) {
      absl::StrAppend(out, ":", control.image, ":", control.preprocess);
    }
    absl::StrAppend(out, ";");
  }
}

void AppendWeights(const RunParams& params, std::string* out) {
  for (const auto& [type, weight] : EffectiveWeights(params)) {
    absl::StrAppend(out, type, ":");
    Append(weight, out);
    absl::StrAppend(out, ";");
  }
}

// Each appends the value of one field, in one canonical form: 25 and 25.0 read
// the same, and so do an absent field and its default.
template <class T>
void AppendField(const Request& request,
                 std::optional<T> RunParams::*const member, std::string* out) {
  if (const auto& own = request.params->*member) return Append(*own, out);
  if (request.defaults == nullptr) return;
  if (const auto& value = request.defaults->*member) Append(*value, out);
}
void AppendField(const Request& request,
                 std::vector<std::string> RunParams::*const member,
                 std::string* out) {
  for (const std::string& text : request.params->*member) {
    absl::StrAppend(out, text, ";");
  }
}
void AppendField(const Request& request,
                 std::vector<Control> RunParams::*const member,
                 std::string* out) {
  AppendControlList(request.params->*member, true, out);
}
void AppendField(const Request& request,
                 std::map<std::string, double> RunParams::*const,
                 std::string* out) {
  AppendWeights(*request.params, out);
}
void AppendField(const Request& request,
                 std::vector<Lora> RunParams::*const member, std::string* out) {
  for (const Lora& lora : request.params->*member) {
    absl::StrAppend(out, lora.name, ":");
    Append(lora.weight.value_or(1), out);
    absl::StrAppend(out, ";");
  }
}
void AppendField(const Request& request,
                 std::map<std::string, std::string> RunParams::*const member,
                 std::string* out) {
  for (const auto& [key, value] : request.params->*member) {
    if (!BindsBatch(key)) continue;
    Append(key, out);
    absl::StrAppend(out, ":");
    Append(value, out);
    absl::StrAppend(out, ";");
  }
}

// Appends the fields that mean `in_batch`.
void AppendFields(const Request& request, InBatch in_batch, std::string* out) {
  ForEachRunField([&](const auto& field) {
    if (field.in_batch != in_batch) return;
    AppendField(request, field.member, out);
    *out += '|';
  });
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
  AppendWeights(*request.params, &text);
  return text;
}

}  // namespace

void AppendKey(const Request& request, Capability capability,
               std::string* out) {
  AppendFields(request, InBatch::kHard, out);
  *out += CapabilityText(request, capability);
}

void AppendSettings(const Request& request, std::string* out) {
  AppendFields(request, InBatch::kSetting, out);
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
  ForEachRunField([&](const auto& field) {
    const auto text_of = [&](const Request& request) {
      std::string text;
      AppendField(request, field.member, &text);
      return text;
    };
    compare(field.name, text_of(a), text_of(b),
            field.in_batch == InBatch::kSetting,
            field.in_batch == InBatch::kHard);
  });
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
