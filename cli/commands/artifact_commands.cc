// `sheaf artifact`.
#include <filesystem>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cli/commands/commands.h"
#include "cli/support/errors.h"
#include "cli/support/flag_values.h"
#include "cli/support/transfer.h"
#include "cli/support/tree.h"

namespace sheaf::cli {
namespace {

const std::vector<Column>& ArtifactColumns() {
  using Style = Column::Style;
  static const auto* const kColumns = new std::vector<Column>{
      {"NAME", "name"},
      {"SIZE", "size_bytes", Style::kBytes},
      {"TYPE", "media_type"},
      {"REFERENCED", "referenced"},
      {"AGE", "create_time", Style::kAge},
  };
  return *kColumns;
}

struct ArtifactGetArgs {
  std::string name;
  std::string file;
  bool force = false;
};

absl::Status RunArtifactGet(Context& context, ArtifactGetArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(const std::string name, ArtifactName(args.name));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  if (args.file.empty()) {
    v1::GetArtifactRequest request;
    request.set_name(name);
    SHEAF_ASSIGN_OR_RETURN(
        const auto artifact,
        client->Call<v1::Artifact>("sheaf.v1.ArtifactService/GetArtifact",
                                   request));
    context.MakePrinter().One(artifact, ArtifactColumns());
    context.Say("To write its bytes to a file, add: -O FILE");
    return absl::OkStatus();
  }
  const std::filesystem::path path(args.file);
  const std::string parent =
      path.has_parent_path() ? path.parent_path().string() : ".";
  SHEAF_ASSIGN_OR_RETURN(OutputDirectory directory,
                         OutputDirectory::Open(parent));
  SHEAF_RETURN_IF_ERROR(
      directory.Download(*client, name, path.filename().string(), args.force));
  context.Say(absl::StrCat("Wrote ", args.file, "."));
  return absl::OkStatus();
}

struct PutArgs {
  std::vector<std::string> files;
};

absl::Status RunPut(Context& context, PutArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  Printer printer = context.MakePrinter();
  for (const std::string& file : args.files) {
    SHEAF_ASSIGN_OR_RETURN(const auto artifact, UploadFile(*client, file));
    printer.One(artifact, ArtifactColumns());
  }
  return absl::OkStatus();
}

}  // namespace

void AddArtifactCommands(CLI::App& app, Context& context) {
  CLI::App& artifact =
      AddNoun(app, "artifact", "Show, download and upload pictures");
  const auto [get, get_args] =
      AddVerb(artifact, context, "get",
              "Show an artifact, or write it to a file", &RunArtifactGet);
  AddName(get, "artifact", &get_args->name, "ARTIFACT", "artifacts/HEX");
  AddValue(get, "-O,--output-file", &get_args->file, "FILE",
           "Write its bytes to this file");
  get->add_flag("--force", get_args->force, "Replace a file that differs");
  const auto [put, put_args] =
      AddVerb(artifact, context, "put", "Upload files", &RunPut);
  AddNames(put, "file", &put_args->files, "FILE", "Files to upload")
      ->required();
}

}  // namespace sheaf::cli
