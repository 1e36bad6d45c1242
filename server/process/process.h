// Sets up the process at its very start, and tells what the system allows it.
#pragma once

namespace sheaf::server {

// Makes new files for their owner alone, and raises the limit of open files as
// far as the system allows. Call it first in main, before there are threads.
void PrepareProcess();

// How many files may be open at a time.
int FileLimit();

}  // namespace sheaf::server
