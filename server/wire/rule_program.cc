#include "server/wire/rule_program.h"

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/check.h"
#include "sheaf/v1/rules.pb.h"

namespace sheaf::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using Type = ValueRule::Type;

Type TypeOf(const FieldDescriptor* field) {
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return field->type() == FieldDescriptor::TYPE_BYTES ? Type::kBytes
                                                          : Type::kText;
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return Type::kInteger;
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Type::kReal;
    case FieldDescriptor::CPPTYPE_ENUM:
      return Type::kEnum;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Type::kMessage;
    case FieldDescriptor::CPPTYPE_BOOL:
      break;
  }
  return Type::kNothing;
}

class Registry {
 public:
  const RuleProgram& Find(const Descriptor* type) {
    const std::lock_guard lock(mutex_);
    return *Compile(type);
  }

 private:
  // A type is entered before its fields, so that it may hold itself.
  const RuleProgram* Compile(const Descriptor* type) {
    std::unique_ptr<RuleProgram>& program = programs_[type];
    if (program != nullptr) return program.get();
    program = std::make_unique<RuleProgram>();
    RuleProgram* result = program.get();
    if (type == google::protobuf::Timestamp::descriptor()) {
      result->kind = RuleProgram::Kind::kTimestamp;
    } else if (type == google::protobuf::Duration::descriptor()) {
      result->kind = RuleProgram::Kind::kDuration;
    } else if (type == google::protobuf::FieldMask::descriptor()) {
      result->kind = RuleProgram::Kind::kFieldMask;
    } else {
      for (int i = 0; i < type->field_count(); ++i) {
        AddField(type->field(i), *result);
      }
    }
    return result;
  }

  void AddField(const FieldDescriptor* field, RuleProgram& program) {
    const v1::FieldRules& rules = field->options().GetExtension(v1::rules);
    FieldRule rule{.field = field,
                   .required = rules.required(),
                   .max_items = rules.max_items(),
                   .value_field = field};
    if (field->is_map()) {
      rule.key_field = field->message_type()->map_key();
      rule.value_field = field->message_type()->map_value();
      rule.key = MakeKey(rule.key_field, rules);
    }
    rule.value = MakeValue(rule.value_field, rules);
    const bool checks = rule.required || rule.max_items > 0 ||
                        rule.key.type != Type::kNothing ||
                        rule.value.type != Type::kNothing;
    if (checks) program.fields.push_back(std::move(rule));
  }

  ValueRule MakeValue(const FieldDescriptor* field,
                      const v1::FieldRules& rules) {
    ValueRule value{.type = TypeOf(field),
                    .max_bytes = rules.max_bytes(),
                    .has_gte = rules.has_gte(),
                    .has_lte = rules.has_lte(),
                    .gte = rules.gte(),
                    .lte = rules.lte()};
    SetPattern(rules.pattern(), rules.hint(), value);
    if (value.type == Type::kMessage) {
      value.message = Compile(field->message_type());
    }
    const bool bounded = value.has_gte || value.has_lte;
    if (value.type == Type::kInteger && !bounded) value.type = Type::kNothing;
    return value;
  }

  ValueRule MakeKey(const FieldDescriptor* field, const v1::FieldRules& rules) {
    ValueRule key{.max_bytes = rules.key_max_bytes()};
    if (TypeOf(field) == Type::kText) key.type = Type::kText;
    SetPattern(rules.key_pattern(), "", key);
    return key;
  }

  void SetPattern(const std::string& pattern, const std::string& hint,
                  ValueRule& rule) {
    if (pattern.empty()) return;
    std::unique_ptr<RE2>& compiled = patterns_[pattern];
    if (compiled == nullptr) {
      compiled = std::make_unique<RE2>(pattern, RE2::Quiet);
      SHEAF_CHECK(compiled->ok());
    }
    rule.pattern = compiled.get();
    rule.complaint = hint.empty() ? "must match " + pattern : hint;
  }

  std::mutex mutex_;  // guards all below
  std::unordered_map<const Descriptor*, std::unique_ptr<RuleProgram>> programs_;
  std::unordered_map<std::string, std::unique_ptr<RE2>> patterns_;
};

}  // namespace

const RuleProgram& RuleProgramOf(const Descriptor* type) {
  static Registry& registry = *new Registry;
  return registry.Find(type);
}

}  // namespace sheaf::server
