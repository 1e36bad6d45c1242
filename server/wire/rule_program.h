// The compiled rules of a message type: what to check in it, and how, so that
// checking a message looks at no descriptor option and compiles no expression.
//
// Programs live for ever, in one registry; any thread may ask for them.
#pragma once

#include <google/protobuf/descriptor.h>
#include <re2/re2.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sheaf::server {

struct RuleProgram;

// The rule for one value: that of a field, or of each element, key or map
// value.
struct ValueRule {
  enum class Type {
    kNothing,  // any value will do
    kText,
    kBytes,
    kInteger,
    kReal,
    kEnum,
    kMessage,
  };
  Type type = Type::kNothing;
  uint64_t max_bytes = 0;        // 0: no limit
  const RE2* pattern = nullptr;  // or none
  std::string complaint;         // where the pattern fails
  bool has_gte = false;
  bool has_lte = false;
  double gte = 0;
  double lte = 0;
  const RuleProgram* message = nullptr;  // of kMessage
};

struct FieldRule {
  const google::protobuf::FieldDescriptor* field = nullptr;
  bool required = false;
  uint64_t max_items = 0;  // 0: no limit
  ValueRule value;
  ValueRule key;                                                   // of a map
  const google::protobuf::FieldDescriptor* key_field = nullptr;    // of a map
  const google::protobuf::FieldDescriptor* value_field = nullptr;  // or `field`
};

struct RuleProgram {
  enum class Kind { kFields, kTimestamp, kDuration, kFieldMask };
  Kind kind = Kind::kFields;
  std::vector<FieldRule> fields;  // those with anything to check
};

// Stops the process if a pattern of the type does not compile: the contract is
// ours, and a test walks it.
const RuleProgram& RuleProgramOf(const google::protobuf::Descriptor* type);

}  // namespace sheaf::server
