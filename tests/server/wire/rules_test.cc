// The contract's own rules: every pattern compiles, and nothing that a caller
// can send is without bound.
#include <google/protobuf/descriptor.h>

#include <filesystem>
#include <functional>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/wire/rule_program.h"
#include "sheaf/v1/admin_service.pb.h"
#include "sheaf/v1/artifact_service.pb.h"
#include "sheaf/v1/batching_service.pb.h"
#include "sheaf/v1/job_service.pb.h"
#include "sheaf/v1/queue_service.pb.h"
#include "sheaf/v1/rules.pb.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

// The files of the contract that define services.
std::vector<const FileDescriptor*> ServiceFiles() {
  return {v1::Worker::descriptor()->file(),
          v1::Artifact::descriptor()->file(),
          v1::GetJobRequest::descriptor()->file(),
          v1::Queue::descriptor()->file(),
          v1::Device::descriptor()->file(),
          v1::Plan::descriptor()->file()};
}

// Every field that a request of any service can hold, however deep.
void ForEachRequestField(
    const std::function<void(const FieldDescriptor*)>& visit) {
  std::set<const Descriptor*> seen;
  const std::function<void(const Descriptor*)> walk =
      [&](const Descriptor* type) {
        if (!type->full_name().starts_with("sheaf.")) return;  // see Validate
        if (!seen.insert(type).second) return;
        for (int i = 0; i < type->field_count(); ++i) {
          const FieldDescriptor* field = type->field(i);
          visit(field);
          if (field->is_map()) field = field->message_type()->map_value();
          if (field->message_type() != nullptr) walk(field->message_type());
        }
      };
  for (const FileDescriptor* file : ServiceFiles()) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        walk(file->service(s)->method(m)->input_type());
      }
    }
  }
}

const v1::FieldRules& RulesOf(const FieldDescriptor* field) {
  return field->options().GetExtension(v1::rules);
}

// Whether every match has a bounded length: no *, + or {n,} outside a class of
// characters.
bool HasBoundedLength(const std::string& pattern) {
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\') {
      ++i;
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
    } else if (c == '*' || c == '+') {
      return false;
    } else if (c == '{') {
      const std::string repeat = pattern.substr(i, pattern.find('}', i) - i);
      if (repeat.ends_with(',')) return false;
    }
  }
  return !pattern.empty();
}

TEST(RulesTest, EveryServiceFileIsLookedAt) {
  std::set<std::string> looked_at;
  for (const FileDescriptor* file : ServiceFiles()) {
    looked_at.insert(file->name());
  }
  for (const auto& entry : std::filesystem::directory_iterator(
           SHEAF_SOURCE_DIR "/proto/sheaf/v1")) {
    const std::string name = entry.path().filename();
    if (name.ends_with("_service.proto")) {
      EXPECT_TRUE(looked_at.contains("sheaf/v1/" + name)) << name;
    }
  }
}

TEST(RulesTest, EveryPatternCompiles) {
  int patterns = 0;
  ForEachRequestField([&](const FieldDescriptor* field) {
    for (const std::string& pattern :
         {RulesOf(field).pattern(), RulesOf(field).key_pattern()}) {
      EXPECT_TRUE(RE2(pattern, RE2::Quiet).ok()) << field->full_name();
      patterns += !pattern.empty();
    }
    RuleProgramOf(field->containing_type());
  });
  EXPECT_GT(patterns, 20);
}

TEST(RulesTest, BoundedLengthIsTold) {
  EXPECT_TRUE(HasBoundedLength("jobs/[0-9]{1,18}(/runs/[0-9]{1,9})?"));
  EXPECT_TRUE(HasBoundedLength("[+*]"));
  EXPECT_TRUE(HasBoundedLength("\\+[\\]*]"));
  EXPECT_FALSE(HasBoundedLength(""));
  EXPECT_FALSE(HasBoundedLength("[a-z]+"));
  EXPECT_FALSE(HasBoundedLength("a*"));
  EXPECT_FALSE(HasBoundedLength("[a]{3,}"));
}

TEST(RulesTest, NothingACallerSendsIsWithoutBound) {
  std::set<std::string> unbounded;
  ForEachRequestField([&](const FieldDescriptor* field) {
    const v1::FieldRules& rules = RulesOf(field);
    bool bounded = !field->is_repeated() || rules.max_items() > 0;
    const FieldDescriptor* value = field;
    if (field->is_map()) {
      value = field->message_type()->map_value();
      bounded &= rules.key_max_bytes() > 0;
    }
    if (value->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      bounded &= rules.max_bytes() > 0 || HasBoundedLength(rules.pattern());
    }
    if (!bounded) unbounded.insert(field->full_name());
  });
  // UpdateJob takes a whole Job, whose output-only fields it does not read;
  // they are bounded by the size of a message.
  EXPECT_THAT(
      unbounded,
      ::testing::UnorderedElementsAre(
          "sheaf.v1.Job.queue", "sheaf.v1.Job.kind", "sheaf.v1.Job.owner",
          "sheaf.v1.Job.request_id", "sheaf.v1.Job.runs", "sheaf.v1.Run.name",
          "sheaf.v1.Run.batch", "sheaf.v1.Run.plan_batch",
          "sheaf.v1.Run.worker", "sheaf.v1.Run.outputs",
          "sheaf.v1.Run.attempts", "sheaf.v1.Attempt.batch",
          "sheaf.v1.Attempt.worker", "sheaf.v1.BatchProgress.name"));
}

}  // namespace
}  // namespace sheaf::server
