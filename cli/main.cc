// sheaf: the command line.
#include <string>
#include <vector>

#include "cli/app.h"
#include "cli/support/interrupt.h"

int main(int argc, char** argv) {
  sheaf::cli::ExitOnInterrupt();
  return sheaf::cli::Run(std::vector<std::string>(argv + 1, argv + argc),
                         sheaf::cli::ProcessEnvironment());
}
