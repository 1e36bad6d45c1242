// `sheaf models`: what the connected workers offer.
#include <ostream>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cli/commands/commands.h"
#include "cli/support/tree.h"
#include "sheaf/v1/admin_service.pb.h"

namespace sheaf::cli {
namespace {

const std::vector<Column>& ModelColumns() {
  using Style = Column::Style;
  static const auto* const kColumns = new std::vector<Column>{
      {"MODEL", "model.name"},
      {"DEFAULT", "model.is_default"},
      {"WIDTH", "model.defaults.width"},
      {"HEIGHT", "model.defaults.height"},
      {"STEPS", "model.defaults.steps"},
      {"GUIDANCE", "model.defaults.guidance"},
      {"SAMPLER", "model.defaults.sampler"},
      {"BATCHES", "model.batching", Style::kState},
      {"CONTROLS", "model.controls"},
      {"VAES", "model.vaes"},
      {"LORAS", "model.loras", Style::kPlain, true},
      {"MAKES FROM", "model.tasks", Style::kPlain, true},
      {"FAMILY", "model.family", Style::kPlain, true},
      {"PIXELS MAX", "model.pixels_max", Style::kPlain, true},
      {"WORKERS", "workers"},
  };
  return *kColumns;
}

void PrintNames(Context& context, const v1::GetCatalogResponse& catalog) {
  if (catalog.samplers_size() > 0) {
    context.out() << "\nSamplers: " << FieldText(catalog, "samplers") << "\n";
  }
  if (catalog.preprocessors_size() > 0) {
    context.out() << "Preprocessors: " << FieldText(catalog, "preprocessors")
                  << "\n";
  }
}

absl::Status RunModels(Context& context, NoArgs&) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(
      const auto catalog,
      client->Call<v1::GetCatalogResponse>("sheaf.v1.AdminService/GetCatalog",
                                           v1::GetCatalogRequest()));
  Printer printer = context.MakePrinter();
  switch (printer.format()) {
    case Format::kJson:
      printer.One(catalog, {});
      break;
    case Format::kName:
      for (const v1::OfferedModel& offered : catalog.models()) {
        context.out() << FieldText(offered, "model.name") << "\n";
      }
      break;
    default:
      printer.List(catalog, "models", ModelColumns());
      if (printer.format() == Format::kWide) PrintNames(context, catalog);
  }
  if (catalog.models().empty()) {
    context.Say("No worker is connected. Start one: sheaf-worker --help");
  } else if (catalog.models_left_out() > 0) {
    context.Say(
        absl::StrCat(catalog.models_left_out(), " more models are left out"));
  }
  return absl::OkStatus();
}

}  // namespace

void AddModelsCommand(CLI::App& app, Context& context) {
  CLI::App* const models =
      AddVerb(app, context, "models",
              "List the models that the connected workers offer", &RunModels)
          .app;
  models->footer(
      "The numbers are those that a run gets where it names none; they are\n"
      "empty where nobody tells, or where workers differ. BATCHES says which\n"
      "differences a batch may hold: full (any), equal_controls,\n"
      "equal_pictures, or one_by_one. \"*\" stands for models of any name.\n"
      "-o wide also lists samplers and preprocessors.");
}

}  // namespace sheaf::cli
