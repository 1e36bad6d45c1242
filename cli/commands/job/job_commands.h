// The verbs of `job` that live in files of their own, and the columns that they
// share.
#pragma once

#include <CLI/CLI.hpp>
#include <vector>

#include "cli/support/context.h"
#include "cli/support/output.h"

namespace sheaf::cli {

void AddJobSubmit(CLI::App& job, Context& context);
void AddJobList(CLI::App& job, Context& context);
void AddJobFollow(CLI::App& job, Context& context);
void AddJobPreview(CLI::App& job, Context& context);

const std::vector<Column>& JobColumns();
const std::vector<Column>& RunColumns();

}  // namespace sheaf::cli
