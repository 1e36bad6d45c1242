// Checks a request against the rules that its proto declares
// (sheaf/v1/rules.proto) before handlers look at it.
//
// Besides the declared rules, every message obeys these: numbers are finite,
// enums have a defined value, texts are UTF-8, times and durations lie in
// protobuf's range, and a field mask has at most 64 paths of 128 bytes.
//
// Any thread. Takes messages of generated classes; the rules of a type are
// compiled when it is first seen.
#pragma once

#include <google/protobuf/message.h>

#include "queue/error.h"

namespace sheaf::server {

inline constexpr size_t kViolationsMax = 100;

// The violations in `message`, in the order of its fields, at most
// kViolationsMax. Empty: nothing is wrong.
Violations Validate(const google::protobuf::Message& message);

}  // namespace sheaf::server
