// Values of single fields as the command line writes them, whatever the
// message. Pure functions.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace sheaf::cli {

// JOB_STATE_QUEUED of JobState -> "queued"; the unspecified value -> "".
std::string EnumText(const google::protobuf::EnumValueDescriptor& value);

// Sets a field that holds one value: text, a number, "on" or "off" (also "true"
// and "false"), a duration ("10s"), or the name of an enum's value in lower
// case. INVALID_ARGUMENT, with `name`, where the text is none of these.
absl::Status SetFieldText(const google::protobuf::FieldDescriptor& field,
                          std::string_view name, std::string_view text,
                          google::protobuf::Message* message);

}  // namespace sheaf::cli
