// Fields of messages from text: of a sweep's axis, of a setting in the
// configuration. Pure functions.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <charconv>
#include <string>
#include <system_error>

namespace sheaf::server {

// Reads a whole text as a number; false where it is none.
template <class T>
bool ReadNumber(const std::string& text, T* number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *number);
  return error == std::errc() && stop == end;
}

// Sets a field that holds one value: a text, a number, a switch, a duration, or
// a word of an enum ("RANDOM_MODE_PHILOX", "PHILOX" or "philox"). Answers what
// is wrong with the text, or nothing.
std::string SetText(const google::protobuf::FieldDescriptor& field,
                    const std::string& text,
                    google::protobuf::Message* message);

}  // namespace sheaf::server
