// Folders of models that were damaged, or made to do damage, cause an error
// that says where, and nothing worse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "inference/engine/families/load_model.h"
#include "inference/engine/weights/file.h"
#include "inference/engine/weights/safetensors.h"
#include "tests/base/temp_folder.h"

namespace sheaf::engine {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A copy of a whole model, to be spoilt.
class HostileModelTest : public testing::Test {
 protected:
  void Copy(const std::string& name) {
    fs::copy(
        SHEAF_SOURCE_DIR "/tests/golden/models/" + name, Path(""),
        fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  }
  std::string Path(const std::string& file) const {
    return folder_.path() + "/model/" + file;
  }
  std::string Text(const std::string& file) const {
    return ReadFile(Path(file), 1 << 26).value();
  }
  void Write(const std::string& file, const std::string& text) const {
    std::ofstream(Path(file), std::ios::binary) << text;
  }
  void Replace(const std::string& file, const std::string& from,
               const std::string& to) const {
    std::string text = Text(file);
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    Write(file, text.replace(at, from.size(), to));
  }

  // Loading must fail, with all of `words` in the message.
  void ExpectRefused(const std::vector<std::string>& words,
                     const std::string& variant = "") const {
    ModelOptions options;
    options.load.variant = variant;
    const auto model = LoadModel(folder_.path() + "/model", options);
    ASSERT_FALSE(model.ok());
    for (const std::string& word : words) {
      EXPECT_THAT(std::string(model.status().message()), HasSubstr(word));
    }
  }

  const TempFolder folder_;
};

constexpr char kShard[] =
    "unet/diffusion_pytorch_model.fp16-00003-of-00014.safetensors";
constexpr char kUNet[] = "unet/diffusion_pytorch_model.safetensors";

TEST_F(HostileModelTest, AWholeModelLoads) {
  Copy("tiny-sd2");
  ModelOptions options;
  options.load.variant = "fp16";
  const auto model = LoadModel(folder_.path() + "/model", options);
  EXPECT_TRUE(model.ok()) << model.status();
}

TEST_F(HostileModelTest, AShardThatWasCutShortIsNamed) {
  Copy("tiny-sd2");
  const std::string shard = kShard;
  fs::resize_file(Path(shard), fs::file_size(Path(shard)) / 2);
  ExpectRefused({"00003-of-00014"}, "fp16");
}

TEST_F(HostileModelTest, AShardThatIsMissingIsNamed) {
  Copy("tiny-sd2");
  fs::remove(Path(kShard));
  ExpectRefused({"00003-of-00014"}, "fp16");
}

TEST_F(HostileModelTest, AnIndexThatLeadsElsewhereIsRefused) {
  for (const char* place :
       {"../vae/x.safetensors", "/etc/passwd", "..", "sub/x.safetensors"}) {
    Copy("tiny-sd2");
    const std::string index =
        "unet/diffusion_pytorch_model.safetensors.index.fp16.json";
    Replace(index, "diffusion_pytorch_model.fp16-00001-of-00014.safetensors",
            place);
    ExpectRefused({"index.fp16.json", "not in a file of this folder"}, "fp16");
  }
}

TEST_F(HostileModelTest, WeightsOfATypeThatHasNoMeaningHereAreNamed) {
  Copy("tiny-sd");
  Replace(kUNet, "\"F16\"", "\"X99\"");
  ExpectRefused({"diffusion_pytorch_model.safetensors", "X99"});
}

TEST_F(HostileModelTest, AHeaderLongerThanTheFileIsRefused) {
  Copy("tiny-sd");
  std::string bytes = Text(kUNet);
  bytes.replace(0, 8, std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8));
  Write(kUNet, bytes);
  ExpectRefused({"diffusion_pytorch_model.safetensors"});
}

TEST_F(HostileModelTest, WeightsOfAnotherModelAreNamedByKey) {
  Copy("tiny-sd");
  SafetensorsFile file = ReadSafetensors(Path(kUNet)).value();
  TensorMap tensors = file.tensors;
  tensors.at("conv_in.bias") = MakeFloatTensor({3}, {1, 2, 3});
  ASSERT_TRUE(WriteSafetensors(Path("unet/new"), tensors, {}).ok());
  fs::rename(Path("unet/new"), Path(kUNet));
  ExpectRefused({"conv_in.bias"});
}

TEST_F(HostileModelTest, ConfigurationsWithoutSenseAreNamed) {
  const char* cases[][3] = {
      {"unet/config.json",
       "\"norm_num_groups\":", "\"norm_num_groups\": 0, \"x\":"},
      {"vae/config.json",
       "\"latent_channels\":", "\"latent_channels\": -4, \"x\":"},
      {"text_encoder/config.json",
       "\"num_attention_heads\":", "\"num_attention_heads\": 0, \"x\":"}};
  for (const auto& [file, from, to] : cases) {
    Copy("tiny-sd");
    Replace(file, from, to);
    ExpectRefused({fs::path(file).parent_path().string()});
  }
}

TEST_F(HostileModelTest, PicklesAreNotReadUnlessSomebodySaysSo) {
  Copy("tiny-sd");
  fs::rename(Path(kUNet), Path("unet/diffusion_pytorch_model.bin"));
  ExpectRefused({"unet"});
}

}  // namespace
}  // namespace sheaf::engine
