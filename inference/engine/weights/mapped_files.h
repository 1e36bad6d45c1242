// All weight files that are mapped at this moment, and whether somebody has
// written to them.
//
// A mapped file that somebody writes to shows what he wrote in every page that
// we have not written to ourselves; MappedFile::Check() and CheckMappedFiles()
// tell, by the file's size and time. A file that another takes the place of
// (rename) stays what it was, and so do we. Any thread.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

namespace sheaf::engine {

// Mapped files have numbers, in the order of their opening: the next one's.
uint64_t NextMappedFile();

// Checks the files numbered [first, end) that are still mapped: DATA_LOSS, with
// the path, where one was written to or became shorter since it was opened.
absl::Status CheckMappedFiles(uint64_t first, uint64_t end);

}  // namespace sheaf::engine
