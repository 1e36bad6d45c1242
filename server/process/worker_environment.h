// Picks the environment of the workers that the server starts: the variables
// that programs, GPUs and their libraries need, not the passwords beside them.
// Pure.
#pragma once

#include <string>
#include <vector>

namespace sheaf::server {

// Returns the `variables` (NAME=VALUE, null at the end, as environ is) that are
// on our list or called as in `further`, where "NAME*" is any that begins so.
std::vector<std::string> WorkerEnvironment(
    const char* const* variables, const std::vector<std::string>& further);

}  // namespace sheaf::server
