#include "inference/worker/process/shipped_models.h"

#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace sheaf::worker {
namespace {

namespace fs = std::filesystem;

bool HoldsModel(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (fs::exists(entry.path() / "model_index.json", error)) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<fs::path> FindShippedModels(const fs::path& program) {
  const fs::path bin = program.parent_path();
  const fs::path installed = bin.parent_path() / "share" / "sheaf" / "models";
  // The program is in build/PRESET/bin. Other programs' third parent may have a
  // folder of that name, too.
  const fs::path root = bin.parent_path().parent_path().parent_path();
  const fs::path source = root / "models";
  std::error_code error;
  if (HoldsModel(installed)) return installed;
  if (fs::exists(root / "CMakeLists.txt", error) && HoldsModel(source)) {
    return source;
  }
  return absl::NotFoundError(
      fmt::format("no model was named with --models, and none came with this "
                  "program (neither in {} nor in {})",
                  installed.string(), source.string()));
}

absl::StatusOr<fs::path> FindShippedModels() {
  std::error_code error;
  return FindShippedModels(fs::read_symlink("/proc/self/exe", error));
}

}  // namespace sheaf::worker
