#include "inference/worker/torch/request_resolver.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/near_word.h"
#include "base/retry.h"
#include "base/status.h"
#include "inference/engine/image/picture_file.h"
#include "inference/worker/torch/description.h"

namespace sheaf::worker {
namespace {

using engine::Image;
using engine::ImageRequest;
using engine::RunRequest;
using engine::Task;

constexpr size_t kPicturesKept = 16;
constexpr size_t kKeptPictureBytesMax = size_t{4} << 20;

// The most pixels that a detector looks at: it takes a second or so for them,
// in which no row steps.
constexpr int64_t kDetectPixelsMax = int64_t{16} << 20;

// The keys by which the simulated engine is asked for faults.
constexpr std::string_view kOfSimulation = "sim.";

// Reads the engine's settings: each from its field, or where that is absent
// from the key of `extra` that it was until 0.3. Other keys are mistakes: who
// wrote one expects something of it.
class Settings {
 public:
  explicit Settings(const v1::RunRequest& wish) : extra_(wish.extra()) {}

  void Read(const char* name, std::optional<int> field, int least, int most,
            int* value) {
    if (const std::string* text = Former(name, field, value)) {
      int number = 0;
      if (!absl::SimpleAtoi(*text, &number) || number < least ||
          number > most) {
        return Fail(name, absl::StrCat("must be ", least, " to ", most));
      }
      *value = number;
    }
  }
  template <typename Number>  // double, or an optional of it.
  void Read(const char* name, std::optional<double> field, Number* value) {
    if (const std::string* text = Former(name, field, value)) {
      double number = 0;
      if (!absl::SimpleAtod(*text, &number) || !std::isfinite(number)) {
        return Fail(name, "must be a number");
      }
      *value = number;
    }
  }
  void Read(const char* name, std::optional<bool> field, bool* value) {
    if (const std::string* text = Former(name, field, value)) {
      if (!absl::SimpleAtob(*text, value)) {
        Fail(name, "must be true or false");
      }
    }
  }
  void Read(v1::RandomMode field, engine::RandomMode* value) {
    std::optional<engine::RandomMode> mode;
    if (field == v1::RANDOM_MODE_CPU) mode = engine::RandomMode::kCpu;
    if (field == v1::RANDOM_MODE_PHILOX) mode = engine::RandomMode::kPhilox;
    if (const std::string* text = Former("random", mode, value)) {
      mode = engine::RandomModeNamed(*text);
      if (!mode) return Fail("random", "must be cpu or philox");
      *value = *mode;
    }
  }
  // After all settings have been read.
  absl::Status Finish() {
    for (const auto& [key, value] : extra_) {
      if (!status_.ok()) break;
      if (key.starts_with(kOfSimulation) ||
          std::find(names_.begin(), names_.end(), key) != names_.end()) {
        continue;
      }
      status_ = absl::InvalidArgumentError(absl::StrCat(
          "this engine knows no extra '", key, "'", DidYouMean(key, names_)));
    }
    return status_;
  }

 private:
  // Takes the field where it is set; otherwise returns what `extra` says, or
  // null.
  template <class Field, class Value>
  const std::string* Former(const char* name, const Field& field,
                            Value* value) {
    names_.emplace_back(name);
    if (field) {
      *value = *field;
      return nullptr;
    }
    const auto found = extra_.find(name);
    return found == extra_.end() ? nullptr : &found->second;
  }
  void Fail(const char* name, const std::string& what) {
    if (!status_.ok()) return;
    status_ =
        absl::InvalidArgumentError(absl::StrCat("extra '", name, "' ", what));
  }

  const google::protobuf::Map<std::string, std::string>& extra_;
  std::vector<std::string> names_;  // of the settings so far
  absl::Status status_;
};

template <class T>
std::optional<T> IfHas(bool has, T value) {
  return has ? std::optional<T>(value) : std::nullopt;
}

absl::Status ReadSettings(const v1::RunRequest& wish, RunRequest* request) {
  Settings settings(wish);
#define SHEAF_FIELD(name) #name, IfHas(wish.has_##name(), wish.name())
  settings.Read(SHEAF_FIELD(clip_skip), 0, 100, &request->clip_skip);
  settings.Read(SHEAF_FIELD(prompt_chunks), 1, 32, &request->prompt_chunks);
  settings.Read(SHEAF_FIELD(emphasis), &request->emphasis);
  settings.Read(SHEAF_FIELD(guess_mode), &request->guess_mode);
  settings.Read(SHEAF_FIELD(eta), &request->eta);
  settings.Read(SHEAF_FIELD(guidance_rescale), &request->guidance_rescale);
  settings.Read(SHEAF_FIELD(image_guidance), &request->image_guidance);
#undef SHEAF_FIELD
  settings.Read(wish.random(), &request->random);
  return settings.Finish();
}

// A pair of sides of which a run gives both or neither. Height first.
absl::StatusOr<std::optional<engine::Pair>> ReadSize(
    const char* name, std::optional<int> width, std::optional<int> height) {
  if (!width && !height) return std::optional<engine::Pair>();
  if (width && height) return engine::Pair{*height, *width};
  return absl::InvalidArgumentError(
      absl::StrCat(name, "_width and ", name, "_height need each other"));
}

// An empty second prompt is the same as none.
std::optional<std::string> SecondPrompt(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

// The values that only models with two text encoders hear of.
absl::Status ReadSecond(const v1::RunRequest& wish, RunRequest* request) {
#define SHEAF_FIELD(name) IfHas(wish.has_##name(), wish.name())
  request->prompt_2 = SecondPrompt(wish.prompt_2());
  request->negative_prompt_2 = SecondPrompt(wish.negative_prompt_2());
  request->crop = {wish.crop_top(), wish.crop_left()};
  SHEAF_ASSIGN_OR_RETURN(request->original_size,
                         ReadSize("original", SHEAF_FIELD(original_width),
                                  SHEAF_FIELD(original_height)));
  SHEAF_ASSIGN_OR_RETURN(request->target_size,
                         ReadSize("target", SHEAF_FIELD(target_width),
                                  SHEAF_FIELD(target_height)));
#undef SHEAF_FIELD
  return absl::OkStatus();
}

// `what` the model is to the run: "model", "refiner".
absl::StatusOr<const OfferedModel*> FindModel(const ModelList& models,
                                              const char* what,
                                              const std::string& alias) {
  const OfferedModel* const model = models.Find(alias);
  if (model != nullptr) return model;
  std::vector<std::string> names;
  for (const OfferedModel& one : models.all()) names.push_back(one.alias);
  return absl::NotFoundError(absl::StrCat("no ", what, " '", alias, "' here",
                                          DidYouMean(alias, names)));
}

absl::StatusOr<std::string> FindVae(const OfferedModel& model,
                                    const v1::RunRequest& wish) {
  const std::string alias = VaeOf(model, wish);
  if (alias.empty() && !wish.has_vae()) return std::string();
  const auto found = model.vaes.find(alias);
  if (found != model.vaes.end()) return found->second;
  return absl::NotFoundError(
      absl::StrCat("model '", model.alias, "' has no VAE '", alias, "'"));
}

}  // namespace

absl::StatusOr<ImageRequest> RequestResolver::Take(const v1::LeasedBatch& batch,
                                                   int row) {
  const v1::RunRequest& wish = batch.runs(row).request();
  SHEAF_ASSIGN_OR_RETURN(const OfferedModel* const model,
                         FindModel(*models_, "model", wish.model()));
  if (!wish.loras().empty()) {
    return absl::InvalidArgumentError("this engine applies no LoRAs yet");
  }
  ImageRequest wanted;
  wanted.model = model->place;
  SHEAF_ASSIGN_OR_RETURN(wanted.model.vae, FindVae(*model, wish));
  wanted.sampler = wish.has_sampler() ? wish.sampler() : model->sampler;
  RunRequest& request = wanted.request;
  request.prompt = wish.prompt();
  if (wish.has_negative_prompt()) {
    request.negative_prompt = wish.negative_prompt();
  }
  request.steps = wish.has_steps() ? wish.steps() : model->steps;
  request.guidance = wish.has_guidance() ? wish.guidance() : model->guidance;
  request.width = wish.has_width() ? wish.width() : model->width;
  request.height = wish.has_height() ? wish.height() : model->height;
  request.seed = static_cast<uint64_t>(wish.seed());
  SHEAF_RETURN_IF_ERROR(CheckSize(*model, request));
  // The runtime checks again, for runs that leave a side to the model.
  wanted.pixels_max = model->pixels_max;
  wanted.pixel_steps_max = limits_.pixel_steps_max;
  SHEAF_RETURN_IF_ERROR(ReadSettings(wish, &request));
  SHEAF_RETURN_IF_ERROR(ReadSecond(wish, &request));
  SHEAF_RETURN_IF_ERROR(AddRefiner(wish, &wanted));
  source_pixels_ = 0;
  SHEAF_RETURN_IF_ERROR(AddPictures(wish, &request));
  SHEAF_RETURN_IF_ERROR(AddControls(batch, row, *model, &wanted));
  return wanted;
}

// The refiner decodes the picture, so that a VAE that the run names is for it,
// too.
absl::Status RequestResolver::AddRefiner(const v1::RunRequest& wish,
                                         ImageRequest* wanted) {
  if (wish.refiner().empty()) {
    if (!wish.has_refiner_start()) return absl::OkStatus();
    return absl::InvalidArgumentError("refiner_start needs a refiner");
  }
  SHEAF_ASSIGN_OR_RETURN(const OfferedModel* const refiner,
                         FindModel(*models_, "refiner", wish.refiner()));
  wanted->refiner.emplace();
  wanted->refiner->model = refiner->place;
  if (wish.has_refiner_start()) wanted->refiner->start = wish.refiner_start();
  if (wish.has_vae()) {
    wanted->refiner->model.vae = wanted->model.vae;
    return absl::OkStatus();
  }
  SHEAF_ASSIGN_OR_RETURN(wanted->refiner->model.vae, FindVae(*refiner, wish));
  return absl::OkStatus();
}

// A side of 0 is left to the model; the runtime checks such sizes later.
absl::Status RequestResolver::CheckSize(const OfferedModel& model,
                                        const RunRequest& request) const {
  const int64_t pixels = int64_t{request.width} * request.height;
  const auto check = [&](int64_t wanted, int64_t most, std::string_view what,
                         std::string_view whose) -> absl::Status {
    if (most == 0 || wanted <= most) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        request.width, "x", request.height, " are ", wanted, ToAbsl(what),
        ", more than the ", most, " that ", ToAbsl(whose)));
  };
  SHEAF_RETURN_IF_ERROR(check(pixels, model.pixels_max, " pixels",
                              "the model's table allows (pixels_max)"));
  SHEAF_RETURN_IF_ERROR(check(pixels, limits_.pixels_max, " pixels",
                              "this worker makes (--pixels-max)"));
  return check(pixels * request.steps, limits_.pixel_steps_max,
               " pixels in all steps together",
               "this worker makes (--pixel-steps-max)");
}

absl::Status RequestResolver::AddPictures(const v1::RunRequest& wish,
                                          RunRequest* request) {
  std::vector<std::string> pictures(wish.images().begin(), wish.images().end());
  if (wish.has_init_image()) {
    pictures.insert(pictures.begin(), wish.init_image());
  }
  if (pictures.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("this model takes one input picture, not ",
                     pictures.size(), " (init_image and images)"));
  }
  if (pictures.empty()) {
    if (!wish.has_mask()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "a mask needs a first picture (init_image)");
  }
  request->task = Task::kImage;
  SHEAF_ASSIGN_OR_RETURN(request->image, Picture(pictures.front()));
  if (wish.has_strength()) request->strength = wish.strength();
  if (!wish.has_mask()) return absl::OkStatus();
  request->task = Task::kInpaint;
  SHEAF_ASSIGN_OR_RETURN(request->mask, Picture(wish.mask()));
  return absl::OkStatus();
}

absl::Status RequestResolver::AddControls(const v1::LeasedBatch& batch, int row,
                                          const OfferedModel& model,
                                          ImageRequest* wanted) {
  for (const RunControl& control : ControlsOf(batch, row)) {
    engine::ImageControl asked;
    asked.folder = ControlFolder(model, control.type);
    if (asked.folder.empty()) {
      std::vector<std::string> types;
      for (const auto& [type, folder] : model.controls) types.push_back(type);
      return absl::NotFoundError(
          absl::StrCat("model '", model.alias, "' has no control '",
                       control.type, "'", DidYouMean(control.type, types)));
    }
    SHEAF_ASSIGN_OR_RETURN(asked.image,
                           ControlPicture(control, wanted->request.image));
    if (!control.preprocess.empty()) {
      asked.kept_as = absl::StrCat("control-", control.type);
    }
    asked.weight = control.weight;
    asked.start = control.start;
    asked.end = control.end;
    wanted->controls.push_back(std::move(asked));
  }
  return absl::OkStatus();
}

absl::StatusOr<Image> RequestResolver::ControlPicture(const RunControl& control,
                                                      const Image& init_image) {
  if (control.preprocess.empty() && !control.image.empty()) {
    return Picture(control.image);
  }
  const bool has_init_image = !init_image.pixels.empty();
  if (control.image.empty() &&
      (!has_init_image || control.preprocess.empty())) {
    return NoPictureFor(control, has_init_image);
  }
  SHEAF_ASSIGN_OR_RETURN(const engine::Preprocessing detector,
                         DetectorOf(control));
  engine::PreprocessInput input = {.image = init_image};
  if (!control.image.empty()) {
    SHEAF_ASSIGN_OR_RETURN(input.image, Picture(control.image));
  }
  const int64_t pixels = int64_t{input.image.width} * input.image.height;
  if (pixels > kDetectPixelsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("control '", control.type, "': the picture has ", pixels,
                     " pixels, and detectors take at most ", kDetectPixelsMax));
  }
  auto map = engine::Preprocess(detector.preprocessor, input, detector.options);
  if (map.ok()) return map;
  return absl::InvalidArgumentError(
      absl::StrCat("control '", control.type, "': ", map.status().message()));
}

absl::StatusOr<std::string> RequestResolver::Fetch(
    const std::string& artifact) const {
  absl::StatusOr<std::string> bytes = fetch_(artifact);
  if (FindPassing(bytes.status().code()) == nullptr) return bytes;
  return absl::UnavailableError(bytes.status().message());
}

absl::StatusOr<Image> RequestResolver::Picture(const std::string& artifact) {
  const auto found =
      std::find_if(pictures_.begin(), pictures_.end(),
                   [&](const auto& kept) { return kept.first == artifact; });
  if (found != pictures_.end()) {
    pictures_.splice(pictures_.begin(), pictures_, found);
    const Image& kept = pictures_.front().second;
    SHEAF_RETURN_IF_ERROR(CountSource(int64_t{kept.width} * kept.height));
    return kept;
  }
  SHEAF_ASSIGN_OR_RETURN(const std::string bytes, Fetch(artifact));
  const auto unreadable = [&](const absl::Status& why) {
    return absl::InvalidArgumentError(
        absl::StrCat(artifact, " cannot be read: ", why.message()));
  };
  const auto size = engine::ReadPictureSize(bytes);
  if (!size.ok()) return unreadable(size.status());
  SHEAF_RETURN_IF_ERROR(CountSource(size->pixels()));
  auto image = engine::DecodePicture(bytes);
  if (!image.ok()) return unreadable(image.status());
  if (image->pixels.size() > kKeptPictureBytesMax) return image;
  pictures_.emplace_front(artifact, *std::move(image));
  if (pictures_.size() > kPicturesKept) pictures_.pop_back();
  return pictures_.front().second;
}

absl::Status RequestResolver::CountSource(int64_t pixels) {
  source_pixels_ += pixels;
  if (source_pixels_ <= limits_.source_pixels_max) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "the pictures of the run have more than ", limits_.source_pixels_max,
      " pixels together; send smaller ones"));
}

}  // namespace sheaf::worker
