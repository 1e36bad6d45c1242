#include "cli/support/run_fields.h"

#include <cmath>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/near_word.h"
#include "base/status.h"
#include "cli/support/errors.h"
#include "cli/support/field_text.h"
#include "cli/support/flag_values.h"
#include "queue/run_fields.h"

namespace sheaf::cli {
namespace {

using google::protobuf::FieldDescriptor;

// Sets the two fields that `set_width` and `set_height` stand for.
absl::Status SetSize(std::string_view name, std::string_view text,
                     v1::RunRequest* run,
                     void (v1::RunRequest::*set_width)(int32_t),
                     void (v1::RunRequest::*set_height)(int32_t)) {
  const size_t x = text.find_first_of("xX");
  int32_t width = 0;
  int32_t height = 0;
  if (x == std::string_view::npos ||
      !absl::SimpleAtoi(ToAbsl(text.substr(0, x)), &width) ||
      !absl::SimpleAtoi(ToAbsl(text.substr(x + 1)), &height)) {
    return UsageError(absl::StrCat(
        ToAbsl(name), " must look like 512x768, not '", ToAbsl(text), "'"));
  }
  (run->*set_width)(width);
  (run->*set_height)(height);
  return absl::OkStatus();
}

// The key after "weights." or "extra.", or empty.
std::string KeyAfter(std::string_view name, std::string_view prefix) {
  if (name.substr(0, prefix.size()) != prefix) return "";
  return std::string(name.substr(prefix.size()));
}

const FieldDescriptor* FindScalar(std::string_view name) {
  const auto* field =
      v1::RunRequest::descriptor()->FindFieldByName(std::string(name));
  return field == nullptr || field->is_repeated() ? nullptr : field;
}

}  // namespace

const std::vector<std::string>& RunFieldNames() {
  static const auto* const kNames = [] {
    auto* names = new std::vector<std::string>;
    const auto* descriptor = v1::RunRequest::descriptor();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const auto* field = descriptor->field(i);
      if (!field->is_repeated()) names->push_back(field->name());
    }
    for (const char* name : {"negative", "size", "original_size", "target_size",
                             "image", "control", "lora"}) {
      names->push_back(name);
    }
    return names;
  }();
  return *kNames;
}

absl::Status CheckRunFieldName(std::string_view name) {
  for (const std::string& known : RunFieldNames()) {
    if (name == known) return absl::OkStatus();
  }
  if (!KeyAfter(name, "weights.").empty()) return absl::OkStatus();
  if (!KeyAfter(name, "extra.").empty()) return absl::OkStatus();
  std::vector<std::string> candidates = RunFieldNames();
  candidates.insert(candidates.end(), {"weights.TYPE", "extra.KEY"});
  return UsageError(absl::StrCat("unknown field '", ToAbsl(name), "'",
                                 DidYouMean(name, candidates)));
}

absl::Status SetRunField(std::string_view name, std::string_view value,
                         v1::RunRequest* run) {
  SHEAF_RETURN_IF_ERROR(CheckRunFieldName(name));
  if (name == "negative") name = "negative_prompt";
  using Run = v1::RunRequest;
  if (name == "size") {
    return SetSize(name, value, run, &Run::set_width, &Run::set_height);
  }
  if (name == "original_size") {
    return SetSize(name, value, run, &Run::set_original_width,
                   &Run::set_original_height);
  }
  if (name == "target_size") {
    return SetSize(name, value, run, &Run::set_target_width,
                   &Run::set_target_height);
  }
  if (name == "image") {
    run->add_images(std::string(value));
    return absl::OkStatus();
  }
  if (name == "control") {
    SHEAF_ASSIGN_OR_RETURN(*run->add_controls(), ParseControl(value));
    return absl::OkStatus();
  }
  if (name == "lora") {
    SHEAF_ASSIGN_OR_RETURN(*run->add_loras(), ParseLora(value));
    return absl::OkStatus();
  }
  const std::string type = KeyAfter(name, "weights.");
  if (!type.empty()) {
    double& weight = (*run->mutable_weights())[type];
    if (absl::SimpleAtod(ToAbsl(value), &weight) && std::isfinite(weight)) {
      return absl::OkStatus();
    }
    return UsageError(absl::StrCat(ToAbsl(name), " must be a number, not '",
                                   ToAbsl(value), "'"));
  }
  const std::string key = KeyAfter(name, "extra.");
  if (!key.empty()) {
    (*run->mutable_extra())[key] = std::string(value);
    return absl::OkStatus();
  }
  return SetFieldText(*FindScalar(name), name, value, run);
}

absl::Status ForEachPicture(v1::RunRequest* run, const PictureCase& f) {
  const auto* reflection = run->GetReflection();
  absl::Status status;
  ForEachRunField([&](const auto& each) {
    if (each.trait != FieldTrait::kArtifact || !status.ok()) return;
    const auto* field =
        run->GetDescriptor()->FindFieldByName(std::string(each.name));
    if (field->is_repeated()) {
      for (int i = 0; i < reflection->FieldSize(*run, field); ++i) {
        std::string picture = reflection->GetRepeatedString(*run, field, i);
        status.Update(f(&picture));
        reflection->SetRepeatedString(run, field, i, std::move(picture));
      }
      return;
    }
    if (!reflection->HasField(*run, field)) return;
    std::string picture = reflection->GetString(*run, field);
    status = f(&picture);
    reflection->SetString(run, field, picture);
  });
  SHEAF_RETURN_IF_ERROR(status);
  for (v1::Control& control : *run->mutable_controls()) {
    if (control.image().empty()) continue;
    SHEAF_RETURN_IF_ERROR(f(control.mutable_image()));
  }
  return absl::OkStatus();
}

}  // namespace sheaf::cli
