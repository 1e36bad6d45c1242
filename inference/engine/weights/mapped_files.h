// All weight files that are mapped at this moment, and whether they were
// written to.
//
// If another process writes to a mapped file, we see its bytes in every page
// that we have not written to ourselves. MappedFile::Check() and
// CheckMappedFiles() detect that by the file's size and time. If another file
// takes the place of a mapped one (rename), we keep the old contents. Any
// thread.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

namespace sheaf::engine {

// Mapped files are numbered in the order of their opening. Returns the next
// file's number.
uint64_t NextMappedFile();

// Checks the files numbered [first, end) that are still mapped: DATA_LOSS, with
// the path, where one was written to or became shorter since it was opened.
absl::Status CheckMappedFiles(uint64_t first, uint64_t end);

}  // namespace sheaf::engine
