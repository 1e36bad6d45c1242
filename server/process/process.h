// Sets what the process needs before it does anything else, and tells what the
// system allows it.
#pragma once

namespace sheaf::server {

// Files are for their owner alone; as many of them may be open as the system
// allows at all. First thing in main, before there are threads.
void PrepareProcess();

// How many files may be open at a time.
int FileLimit();

}  // namespace sheaf::server
