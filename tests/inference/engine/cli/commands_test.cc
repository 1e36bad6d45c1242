// The commands of sheaf-engine, as a shell would give them.
#include "inference/engine/cli/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "inference/engine/image/png.h"
#include "inference/engine/weights/file.h"
#include "inference/engine/weights/safetensors.h"
#include "tests/base/temp_folder.h"

namespace sheaf::engine {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kGolden = SHEAF_SOURCE_DIR "/tests/golden";
const std::string kModel = kGolden + "/models/tiny-sd";

absl::Status Ran(const std::string& name,
                 const std::vector<std::string>& words) {
  for (const Command& command : Commands()) {
    if (command.name != name) continue;
    auto arguments = Arguments::Parse(words, command.options);
    return arguments.ok() ? command.run(&*arguments) : arguments.status();
  }
  return absl::NotFoundError(name);
}

// The text that the command prints.
std::string Printed(const std::string& name,
                    const std::vector<std::string>& words) {
  testing::internal::CaptureStdout();
  const absl::Status status = Ran(name, words);
  std::string text = testing::internal::GetCapturedStdout();
  EXPECT_TRUE(status.ok()) << status;
  return text;
}

PngFile ReadPng(const std::string& path) {
  return DecodePng(ReadFile(path, 1 << 26).value()).value();
}

class CommandsTest : public testing::Test {
 protected:
  std::string Path(const std::string& file) const {
    return folder_.path() + "/" + file;
  }
  // A picture of the tiny model, of 32 x 32.
  std::vector<std::string> Small(const std::string& out) const {
    return {kModel, "--prompt", "a cat", "--steps", "2",      "--width",
            "32",   "--height", "32",    "--out",   Path(out)};
  }

  const TempFolder folder_;
};

TEST_F(CommandsTest, PicturesOfABatchAreThoseOfSingleRuns) {
  std::vector<std::string> words = Small("batch.png");
  words.insert(words.end(), {"--count", "2", "--seed", "6"});
  Printed("txt2img", words);
  words = Small("single.png");
  words.insert(words.end(), {"--seed", "7"});
  Printed("txt2img", words);
  const PngFile single = ReadPng(Path("single.png"));
  EXPECT_EQ(single.image.width, 32);
  EXPECT_EQ(ReadPng(Path("batch-2.png")).image.pixels, single.image.pixels);
  EXPECT_NE(ReadPng(Path("batch-1.png")).image.pixels, single.image.pixels);
}

TEST_F(CommandsTest, APictureIsChangedAsFarAsItsStrengthSays) {
  Printed("txt2img", Small("first.png"));
  const auto changed = [&](const char* strength) {
    std::vector<std::string> words = Small("second.png");
    words.insert(words.end(), {"--image", Path("first.png"), "--strength",
                               strength, "--guidance", "1"});
    Printed("img2img", words);
    const Image first = ReadPng(Path("first.png")).image;
    const Image second = ReadPng(Path("second.png")).image;
    double sum = 0;
    for (size_t i = 0; i < first.pixels.size(); ++i) {
      sum += std::abs(int{first.pixels[i]} - int{second.pixels[i]});
    }
    return sum;
  };
  EXPECT_NE(changed("0.2"), changed("0.9"));
}

TEST_F(CommandsTest, ARefinerMakesTheLastStepsAlone) {
  const auto made = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {kGolden + "/models/tiny-sdxl",
                                      "--prompt",
                                      "a cat",
                                      "--steps",
                                      "5",
                                      "--width",
                                      "32",
                                      "--height",
                                      "32",
                                      "--out",
                                      Path("out.png")};
    words.insert(words.end(), more.begin(), more.end());
    Printed("txt2img", words);
    return ReadPng(Path("out.png")).image.pixels;
  };
  const std::string refiner = kGolden + "/models/tiny-refiner";
  const auto early = made({"--refiner", refiner, "--handover", "0.4"});
  const auto late = made({"--refiner", refiner});
  EXPECT_NE(made({}), late);
  EXPECT_NE(early, late);
}

TEST_F(CommandsTest, ControlsMayBeRepeated) {
  Printed("txt2img", Small("hint.png"));
  const auto made = [&](const std::vector<std::string>& controls) {
    std::vector<std::string> words = Small("out.png");
    for (const std::string& control : controls) {
      words.insert(words.end(),
                   {"--control", kGolden + "/models/controlnet-" + control});
    }
    Printed("txt2img", words);
    return ReadPng(Path("out.png")).image.pixels;
  };
  const std::string hint = ":" + Path("hint.png");
  const auto one = made({"a" + hint});
  EXPECT_NE(made({"a" + hint, "b" + hint}), one);
  // A control of weight 0, or one whose window holds no step, changes nothing.
  EXPECT_EQ(made({"a" + hint, "b" + hint + ":0"}), one);
  EXPECT_EQ(made({"a" + hint, "b" + hint + ":1:0.9:0.91"}), one);
  std::vector<std::string> words = Small("out.png");
  words.insert(words.end(), {"--control", "a" + hint + ":much"});
  EXPECT_TRUE(absl::IsInvalidArgument(Ran("txt2img", words)));
}

TEST_F(CommandsTest, DevicesAndTypesThatAreNotThereAreNamed) {
  const auto code = [&](const char* option, const char* value) {
    std::vector<std::string> words = Small("out.png");
    words.insert(words.end(), {option, value});
    return Ran("txt2img", words).code();
  };
  EXPECT_EQ(code("--device", "abacus"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code("--dtype", "fp8"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code("--dtype", "fp16"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code("--dtype", "bf16"), absl::StatusCode::kOk);
}

TEST_F(CommandsTest, InspectCountsParametersByComponent) {
  const std::string text = Printed("inspect", {kModel});
  EXPECT_THAT(text, HasSubstr("StableDiffusionPipeline"));
  for (const char* component : {"unet", "vae", "text_encoder", "F16"}) {
    EXPECT_THAT(text, HasSubstr(component));
  }
  EXPECT_FALSE(Ran("inspect", {"/nowhere"}).ok());
}

TEST_F(CommandsTest, SchedulersAreListedByTheNamesPeopleKnow) {
  const std::string text = Printed("schedulers", {});
  for (const char* name : {"auto", "DPM++ 2M", "Euler a", "UniPC", "LCM"}) {
    EXPECT_THAT(text, HasSubstr(name));
  }
}

TEST_F(CommandsTest, PreprocessWritesAPictureOfEdges) {
  Printed("txt2img", Small("picture.png"));
  Printed("preprocess", {"canny", Path("picture.png"), Path("edges.png"),
                         "--low", "10", "--high", "20"});
  for (const uint8_t value : ReadPng(Path("edges.png")).image.pixels) {
    ASSERT_TRUE(value == 0 || value == 255);
  }
  // Options may stand with the name.
  Printed("preprocess",
          {"canny(low=10,high=20)", Path("picture.png"), Path("same.png")});
  EXPECT_EQ(ReadPng(Path("same.png")).image.pixels,
            ReadPng(Path("edges.png")).image.pixels);
  EXPECT_THAT(std::string(Ran("preprocess", {"x-ray", "a", "b"}).message()),
              HasSubstr("canny"));
}

TEST_F(CommandsTest, VerifyFailsWhereOneNumberWasChanged) {
  fs::create_directory_symlink(kGolden + "/models", Path("models"));
  const std::string name = "modules/tiny-sd.unet.9x13.safetensors";
  folder_.Write(name, ReadFile(kGolden + "/" + name, 1 << 26).value());
  Printed("verify", {folder_.path()});
  SafetensorsFile file = ReadSafetensors(Path(name)).value();
  std::vector<float> values = file.tensors.at("out").ToFloats();
  values[0] += 1e-3f;
  file.tensors.at("out") =
      MakeFloatTensor(file.tensors.at("out").shape, values);
  ASSERT_TRUE(WriteSafetensors(Path(name), file.tensors, file.metadata).ok());
  EXPECT_TRUE(absl::IsDataLoss(Ran("verify", {folder_.path()})));
}

TEST_F(CommandsTest, OptionsThatNobodyKnowsAreRefused) {
  EXPECT_TRUE(
      absl::IsInvalidArgument(Ran("txt2img", {kModel, "--stepz", "2"})));
  EXPECT_TRUE(
      absl::IsInvalidArgument(Ran("txt2img", {kModel, "--steps", "none"})));
  EXPECT_TRUE(absl::IsInvalidArgument(Ran("txt2img", {})));
}

TEST_F(CommandsTest, ASheetHoldsPicturesWithGivenAndTheirOwnCaptions) {
  const Image red = MakeImage(4, 4, 3, 7);
  const std::string bytes = EncodePng(red, {}).value();
  ASSERT_TRUE(WriteFile(Path("a.png"), bytes).ok());
  ASSERT_TRUE(WriteFile(Path("b=c.png"), bytes).ok());
  ASSERT_TRUE(Ran("sheet", {Path("sheet.png"), Path("a.png") + "=one=two",
                            Path("b=c.png"), "--columns", "2", "--scale", "8"})
                  .ok());
  const Image sheet = ReadPng(Path("sheet.png")).image;
  EXPECT_EQ(sheet.width, 2 * 32 + 3 * 8);
  EXPECT_EQ(sheet.at(8, 8, 0), 7);
  EXPECT_EQ(sheet.at(8 + 32 + 8, 8, 0), 7);
}

TEST_F(CommandsTest, ASheetOfNothingOrOfWhatIsNoPictureIsRefused) {
  EXPECT_FALSE(Ran("sheet", {Path("sheet.png")}).ok());
  ASSERT_TRUE(WriteFile(Path("text.png"), "no picture").ok());
  const absl::Status status =
      Ran("sheet", {Path("sheet.png"), Path("text.png")});
  EXPECT_THAT(std::string(status.message()), HasSubstr("text.png"));
}

TEST_F(CommandsTest, VerifySaysByWhichRulesItJudges) {
  const std::vector<std::string> words = {kGolden, "--only",
                                          "tiny-sd.unet.9x13"};
  EXPECT_THAT(Printed("verify", words), HasSubstr("fp32 on cpu"));
  std::vector<std::string> half = words;
  half.insert(half.end(), {"--device", "auto", "--dtype", "bf16"});
  EXPECT_THAT(Printed("verify", half), HasSubstr("bf16 on "));
}

TEST_F(CommandsTest, VerifyNamesADeviceThatIsNotHere) {
  const absl::Status status =
      Ran("verify", {kGolden, "--device", "cuda:100", "--only", "tokens"});
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("here"));
}

TEST_F(CommandsTest, DevicesAreListedWithTheirMemory) {
  EXPECT_THAT(Printed("devices", {}), HasSubstr("LibTorch"));
}

}  // namespace
}  // namespace sheaf::engine
