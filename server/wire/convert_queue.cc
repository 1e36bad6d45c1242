// The part of server/wire/convert.h that is about queues and sweeps.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/wire/convert.h"
#include "server/wire/validator.h"

namespace sheaf::server {
namespace {

using google::protobuf::FieldDescriptor;

constexpr absl::Duration kWaitMax = absl::Hours(1);

// Values of all axes of a sweep together: twice as many as its runs.
constexpr int64_t kSweepValuesMax = 2 * kRunsPerJobMax;

std::string AxisField(int axis) {
  return absl::StrCat("job.sweep.axes[", axis, "]");
}

// A zero duration on the wire means for ever.
absl::Duration LimitFromProto(const google::protobuf::Duration& in) {
  const absl::Duration limit = FromProto(in);
  return limit <= absl::ZeroDuration() ? absl::InfiniteDuration() : limit;
}

void LimitToProto(absl::Duration limit, google::protobuf::Duration* out) {
  SetDuration(limit == absl::InfiniteDuration() ? absl::ZeroDuration() : limit,
              out);
}

template <class T>
bool ParseNumber(const std::string& text, T* number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *number);
  return error == std::errc() && stop == end;
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
    if (!ParseNumber(text, &weight)) return "is not a number";
    (*request->mutable_weights())[key] = weight;
    return "";
  }
  if (name == "extra" && !key.empty()) {
    (*request->mutable_extra())[key] = text;
    return "";
  }
  const FieldDescriptor* field =
      pb::RunRequest::descriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated() || !key.empty()) {
    return absl::StrCat(path, " is not a single value of a run");
  }
  const auto* reflection = request->GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection->SetString(request, field, text);
      return "";
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double number = 0;
      if (!ParseNumber(text, &number)) return "is not a number";
      reflection->SetDouble(request, field, number);
      return "";
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      int64_t number = 0;
      if (!ParseNumber(text, &number)) return "is not a whole number";
      reflection->SetInt64(request, field, number);
      return "";
    }
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t number = 0;
      if (!ParseNumber(text, &number)) return "is not a whole number";
      reflection->SetInt32(request, field, number);
      return "";
    }
    default:
      return absl::StrCat(path, " is not a single value of a run");
  }
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
  settings->set_batch_size(queue.settings.batch_size);
  settings->set_attempts_max(queue.settings.attempts_max);
  settings->set_runs_max(queue.settings.runs_max);
  LimitToProto(queue.settings.keep_succeeded,
               settings->mutable_keep_succeeded());
  LimitToProto(queue.settings.keep_failed, settings->mutable_keep_failed());
  LimitToProto(queue.settings.keep_cancelled,
               settings->mutable_keep_cancelled());
  settings->set_policy(static_cast<pb::BatchPolicy>(queue.settings.policy));
  settings->set_batch_min(queue.settings.batch_min);
  SetDuration(queue.settings.wait_max, settings->mutable_wait_max());
  settings->set_threshold(queue.settings.threshold);
  settings->set_gain_min_percent(queue.settings.gain_min_percent);
  settings->set_twins(queue.settings.twins);
  settings->set_preempt_from(static_cast<pb::Priority>(
      queue.settings.preempt_from.value_or(Priority{})));
  LimitToProto(queue.settings.run_duration_max,
               settings->mutable_run_duration_max());
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

QueueSettings FromProto(const pb::QueueSettings& in) {
  QueueSettings settings;
  if (in.batch_size() > 0) settings.batch_size = in.batch_size();
  if (in.attempts_max() > 0) settings.attempts_max = in.attempts_max();
  settings.runs_max = in.runs_max();
  if (in.has_keep_succeeded()) {
    settings.keep_succeeded = LimitFromProto(in.keep_succeeded());
  }
  if (in.has_keep_failed()) {
    settings.keep_failed = LimitFromProto(in.keep_failed());
  }
  if (in.has_keep_cancelled()) {
    settings.keep_cancelled = LimitFromProto(in.keep_cancelled());
  }
  if (in.policy() != pb::BATCH_POLICY_UNSPECIFIED) {
    settings.policy = static_cast<BatchPolicy>(in.policy());
  }
  if (in.batch_min() > 0) settings.batch_min = in.batch_min();
  if (in.has_wait_max()) {
    settings.wait_max =
        std::clamp(FromProto(in.wait_max()), absl::ZeroDuration(), kWaitMax);
  }
  if (in.threshold() > 0) settings.threshold = in.threshold();
  if (in.has_gain_min_percent()) {
    settings.gain_min_percent = in.gain_min_percent();
  }
  settings.twins = in.twins();
  if (in.preempt_from() != pb::PRIORITY_UNSPECIFIED) {
    settings.preempt_from = static_cast<Priority>(in.preempt_from());
  }
  if (in.has_run_duration_max()) {
    settings.run_duration_max = LimitFromProto(in.run_duration_max());
  }
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
    if (path == "batch_size") {
      patch.batch_size = given.batch_size;
    } else if (path == "attempts_max") {
      patch.attempts_max = given.attempts_max;
    } else if (path == "runs_max") {
      patch.runs_max = given.runs_max;
    } else if (path == "keep_succeeded") {
      patch.keep_succeeded = given.keep_succeeded;
    } else if (path == "keep_failed") {
      patch.keep_failed = given.keep_failed;
    } else if (path == "keep_cancelled") {
      patch.keep_cancelled = given.keep_cancelled;
    } else if (path == "policy") {
      patch.policy = given.policy;
    } else if (path == "batch_min") {
      patch.batch_min = given.batch_min;
    } else if (path == "wait_max") {
      patch.wait_max = given.wait_max;
    } else if (path == "threshold") {
      patch.threshold = given.threshold;
    } else if (path == "gain_min_percent") {
      patch.gain_min_percent = given.gain_min_percent;
    } else if (path == "twins") {
      patch.twins = given.twins;
    } else if (path == "preempt_from") {
      patch.preempt_from = given.preempt_from;
    } else if (path == "run_duration_max") {
      patch.run_duration_max = given.run_duration_max;
    } else {
      violations.push_back(
          {"update_mask", absl::StrCat("there is no setting ", path)});
    }
  }
  if (!violations.empty()) return InvalidArgument(std::move(violations));
  return patch;
}

}  // namespace sheaf::server
