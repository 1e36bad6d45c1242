// The part of server/wire/convert.h that is about queues and sweeps.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "server/wire/convert.h"
#include "server/wire/text_fields.h"
#include "server/wire/validator.h"

namespace sheaf::server {
namespace {

using google::protobuf::FieldDescriptor;

// Values of all axes of a sweep together: twice as many as its runs.
constexpr int64_t kSweepValuesMax = 2 * kRunsPerJobMax;

std::string AxisField(int axis) {
  return absl::StrCat("job.sweep.axes[", axis, "]");
}

// Each reads the setting from its field, which is set, or writes it there.
template <class T>
void Read(const pb::QueueSettings& in, const FieldDescriptor* field, OnWire,
          T* out) {
  const auto* reflection = pb::QueueSettings::GetReflection();
  if constexpr (std::is_enum_v<T>) {
    *out = static_cast<T>(reflection->GetEnumValue(in, field));
  } else if constexpr (std::is_same_v<T, bool>) {
    *out = reflection->GetBool(in, field);
  } else if constexpr (std::is_same_v<T, int>) {
    *out = reflection->GetInt32(in, field);
  } else {
    *out = reflection->GetInt64(in, field);
  }
}
void Read(const pb::QueueSettings& in, const FieldDescriptor* field, OnWire,
          std::optional<Priority>* out) {
  out->emplace();
  Read(in, field, OnWire::kPlain, &**out);
}
void Read(const pb::QueueSettings& in, const FieldDescriptor* field,
          OnWire on_wire, absl::Duration* out) {
  using google::protobuf::Duration;
  const auto* reflection = pb::QueueSettings::GetReflection();
  *out = FromProto(
      static_cast<const Duration&>(reflection->GetMessage(in, field)));
  if (on_wire == OnWire::kBound) {
    *out = std::max(*out, absl::ZeroDuration());
  } else if (on_wire == OnWire::kUpToHour) {
    *out = std::clamp(*out, absl::ZeroDuration(), absl::Hours(1));
  } else if (on_wire == OnWire::kLimit && *out <= absl::ZeroDuration()) {
    *out = absl::InfiniteDuration();
  }
}

template <class T>
void Write(const T& value, const FieldDescriptor* field, OnWire,
           pb::QueueSettings* out) {
  const auto* reflection = pb::QueueSettings::GetReflection();
  if constexpr (std::is_enum_v<T>) {
    reflection->SetEnumValue(out, field, static_cast<int>(value));
  } else if constexpr (std::is_same_v<T, bool>) {
    reflection->SetBool(out, field, value);
  } else if constexpr (std::is_same_v<T, int>) {
    reflection->SetInt32(out, field, value);
  } else {
    reflection->SetInt64(out, field, value);
  }
}
void Write(std::optional<Priority> value, const FieldDescriptor* field, OnWire,
           pb::QueueSettings* out) {
  Write(value.value_or(Priority{}), field, OnWire::kPlain, out);
}
void Write(absl::Duration value, const FieldDescriptor* field, OnWire on_wire,
           pb::QueueSettings* out) {
  using google::protobuf::Duration;
  const auto* reflection = pb::QueueSettings::GetReflection();
  if (value == absl::InfiniteDuration() && on_wire == OnWire::kBound) return;
  if (value == absl::InfiniteDuration()) value = absl::ZeroDuration();
  SetDuration(value,
              static_cast<Duration*>(reflection->MutableMessage(out, field)));
}

const FieldDescriptor* FieldOf(std::string_view setting) {
  return pb::QueueSettings::descriptor()->FindFieldByName(std::string(setting));
}

// Writes `text` into the field or map entry that `path` names; answers what is
// wrong, or nothing.
std::string SetByPath(const std::string& path, const std::string& text,
                      pb::RunRequest* request) {
  const size_t dot = path.find('.');
  const std::string name = path.substr(0, dot);
  const std::string key = dot == path.npos ? "" : path.substr(dot + 1);
  if (name == "weights" && !key.empty()) {
    double weight = 0;
    if (!ReadNumber(text, &weight)) return "is not a number";
    (*request->mutable_weights())[key] = weight;
    return "";
  }
  if (name == "extra" && !key.empty()) {
    (*request->mutable_extra())[key] = text;
    return "";
  }
  const FieldDescriptor* field =
      pb::RunRequest::descriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated() || !key.empty() ||
      field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return absl::StrCat(path, " is not a single value of a run");
  }
  return SetText(*field, text, request);
}

std::string NumberText(double number) {
  char buffer[64];
  const bool whole = number == std::floor(number) && std::abs(number) < 9e15;
  const auto end = whole
                       ? std::to_chars(buffer, buffer + sizeof(buffer),
                                       static_cast<int64_t>(number))
                       : std::to_chars(buffer, buffer + sizeof(buffer), number);
  return std::string(buffer, end.ptr);
}

// The number of values of the axis, counted before any is made.
absl::StatusOr<int64_t> CountValues(const pb::SweepAxis& axis,
                                    const std::string& field) {
  if (!axis.has_range()) return axis.values_size();
  const pb::SweepRange& range = axis.range();
  const double step = range.has_step() ? range.step() : 1.0;
  const double count = (range.to() - range.from()) / step;
  if (step == 0 || !(count >= 0)) {
    return InvalidArgument(
        {{field + ".range", "the step does not lead from `from` to `to`"}});
  }
  if (count >= kRunsPerJobMax) {
    return Error(Reason::kTooManyRuns, absl::StrCat("a range makes more than ",
                                                    kRunsPerJobMax, " values"));
  }
  return static_cast<int64_t>(std::floor(count + 1e-9)) + 1;
}

// The values of a range, both ends included. Each is computed from its place,
// so that no error adds up.
std::vector<std::string> ValuesOf(const pb::SweepRange& range, int64_t count) {
  const double step = range.has_step() ? range.step() : 1.0;
  std::vector<std::string> values;
  for (int64_t i = 0; i < count; ++i) {
    // Rounded to what a person writes: 0.1 * 3 is 0.3.
    const double value = range.from() + static_cast<double>(i) * step;
    const double tidy = std::round(value * 1e9) / 1e9;
    values.push_back(NumberText(std::abs(value) < 1e6 ? tidy : value));
  }
  return values;
}

}  // namespace

absl::StatusOr<int64_t> CountValues(const pb::Sweep& sweep) {
  int64_t all = 0;
  for (int i = 0; i < sweep.axes_size(); ++i) {
    SHEAF_ASSIGN_OR_RETURN(const int64_t count,
                           CountValues(sweep.axes(i), AxisField(i)));
    all += count;
  }
  if (all <= kSweepValuesMax) return all;
  return Error(
      Reason::kTooManyRuns,
      absl::StrCat("the axes of the sweep have ", all,
                   " values; together they may have ", kSweepValuesMax));
}

absl::StatusOr<Sweep> FromProto(const pb::Sweep& in) {
  SHEAF_RETURN_IF_ERROR(CountValues(in).status());
  Sweep sweep;
  sweep.zip = in.mode() == pb::Sweep::MODE_ZIP;
  Violations violations;
  for (int i = 0; i < in.axes_size(); ++i) {
    const pb::SweepAxis& axis = in.axes(i);
    const std::string field = AxisField(i);
    std::vector<std::string> values(axis.values().begin(), axis.values().end());
    if (axis.has_range()) {
      if (!values.empty()) {
        violations.push_back({field, "has both values and a range"});
        continue;
      }
      SHEAF_ASSIGN_OR_RETURN(const int64_t count, CountValues(axis, field));
      values = ValuesOf(axis.range(), count);
    }
    std::vector<RunParams>& partial = sweep.axes.emplace_back();
    for (size_t k = 0; k < values.size() && violations.size() < 100; ++k) {
      pb::RunRequest request;
      const std::string wrong = SetByPath(axis.field(), values[k], &request);
      if (!wrong.empty()) {
        violations.push_back({absl::StrCat(field, ".values[", k, "]"), wrong});
        continue;
      }
      for (const Violation& violation : Validate(request)) {
        violations.push_back(
            {absl::StrCat(field, ".values[", k, "]"), violation.description});
      }
      partial.push_back(FromProto(request));
    }
  }
  if (!violations.empty()) return InvalidArgument(std::move(violations));
  return sweep;
}

void ToProto(const Queue& queue, pb::Queue* out) {
  out->set_name(absl::StrCat("queues/", queue.name));
  out->set_state(static_cast<pb::QueueState>(queue.state));
  pb::QueueSettings* settings = out->mutable_settings();
  ForEachQueueSetting([&](const auto& setting) {
    Write(queue.settings.*setting.member, FieldOf(setting.name),
          setting.on_wire, settings);
  });
  out->set_revision(queue.revision);
  SetTime(queue.create_time, out->mutable_create_time());
  out->set_etag(absl::StrCat(queue.version));
  out->set_reason(queue.reason);
  out->set_actor(queue.actor);
  PutTime(queue.pause_time, out, &pb::Queue::mutable_pause_time);
  PutTime(queue.resume_time, out, &pb::Queue::mutable_resume_time);
  if (queue.state == QueueState::kPaused) {
    out->set_pause_mode(static_cast<pb::PauseMode>(queue.pause_mode));
  }
  out->set_queued_run_count(queue.queued);
  out->set_running_run_count(queue.running);
  if (queue.plan) out->set_plan(NameOf(queue.plan));
}

absl::StatusOr<QueueSettings> ParseQueueSettings(
    const std::vector<std::string>& settings) {
  pb::QueueSettings message;
  for (const std::string& setting : settings) {
    const std::pair<std::string, std::string> sides =
        absl::StrSplit(setting, absl::MaxSplits('=', 1));
    const FieldDescriptor* field = FieldOf(sides.first);
    const std::string wrong = field == nullptr
                                  ? "is no setting of a queue"
                                  : SetText(*field, sides.second, &message);
    if (!wrong.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", setting, "' ", wrong));
    }
  }
  for (const Violation& violation : Validate(message)) {
    return absl::InvalidArgumentError(
        absl::StrCat(violation.field, " ", violation.description));
  }
  return FromProto(message);
}

QueueSettings FromProto(const pb::QueueSettings& in) {
  QueueSettings settings;
  const auto* reflection = pb::QueueSettings::GetReflection();
  ForEachQueueSetting([&](const auto& setting) {
    const FieldDescriptor* field = FieldOf(setting.name);
    if (!reflection->HasField(in, field)) return;
    Read(in, field, setting.on_wire, &(settings.*setting.member));
  });
  return settings;
}

absl::StatusOr<QueuePatch> FromProto(const pb::UpdateQueueRequest& request) {
  const QueueSettings given = FromProto(request.settings());
  QueuePatch patch;
  Violations violations;
  if (request.update_mask().paths().empty()) {
    violations.push_back({"update_mask", "must name at least one setting"});
  }
  for (const std::string& path : request.update_mask().paths()) {
    bool known = false;
    ForEachQueueSetting([&](const auto& setting) {
      if (path != setting.name) return;
      known = true;
      patch.Set(setting.member, given.*setting.member);
    });
    if (known) continue;
    violations.push_back(
        {"update_mask", absl::StrCat("there is no setting ", path)});
  }
  if (!violations.empty()) return InvalidArgument(std::move(violations));
  return patch;
}

}  // namespace sheaf::server
