// What workers that the server starts see of its environment: what programs,
// GPUs and their libraries need, and not the passwords beside it. Pure.
#pragma once

#include <string>
#include <vector>

namespace sheaf::server {

// Of `variables` (NAME=VALUE, a null pointer at the end, as environ is) those
// on our list or called as in `further`, where "NAME*" is any that begins so.
std::vector<std::string> WorkerEnvironment(
    const char* const* variables, const std::vector<std::string>& further);

}  // namespace sheaf::server
