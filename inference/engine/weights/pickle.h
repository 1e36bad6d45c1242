// Weights in .bin and .pt files: a ZIP of a pickle and the storages it names. A
// pickle is a program; this reader runs a small, closed part of it. It can
// build dictionaries, lists and tensors, and nothing more: any other global is
// an error that names it.
//
// Callers decide whether such files are read at all (LoadOptions::allow_pickle,
// off by default).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "inference/engine/weights/mapped_file.h"
#include "inference/engine/weights/tensor.h"

namespace sheaf::engine {

// The tensors of a state dictionary: the file's own, or the one under
// "state_dict" or "module". Nested dictionaries of tensors get dotted names.
// Views of the file where a tensor is contiguous, copies elsewhere.
// INVALID_ARGUMENT with the path and the fault.
absl::StatusOr<TensorMap> ReadPickle(
    const std::string& path, MappedFile::Mode mode = MappedFile::Mode::kMap);

// The same for a file in memory; the tensors are copies. For tests and fuzzers.
absl::StatusOr<TensorMap> ParsePickle(std::string_view file);

}  // namespace sheaf::engine
