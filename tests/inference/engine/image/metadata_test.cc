#include "inference/engine/image/metadata.h"

#include "base/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf::engine {
namespace {

using testing::HasSubstr;

Generation Made() {
  Generation made;
  made.prompt = "a red circle,\ntwo lines";
  made.negative_prompt = "blurry: very";
  made.steps = 20;
  made.sampler = "DPM++ 2M Karras";
  made.guidance = 7.5;
  made.seed = 18446744073709551615u;
  made.width = 512;
  made.height = 768;
  made.model = "tiny, sd";
  made.model_hash = "0123456789";
  made.random_mode = "cpu";
  made.more["Version"] = "0.1";
  made.more["Lora hashes"] = "a: 1234, b: \"5\"";
  return made;
}

TEST(MetadataTest, ParametersAreWrittenAsWebInterfacesReadThem) {
  EXPECT_EQ(ParametersText(Made()),
            "a red circle,\ntwo lines\nNegative prompt: blurry: very\n"
            "Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7.5, "
            "Seed: 18446744073709551615, Size: 512x768, "
            "Model hash: 0123456789, Model: \"tiny, sd\", RNG: cpu, "
            "Lora hashes: \"a: 1234, b: \\\"5\\\"\", Version: 0.1");
}

TEST(MetadataTest, ParametersAreReadBack) {
  const auto parsed = ParseParameters(ParametersText(Made()));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, Made());
  Generation plain;
  plain.prompt = "x";
  plain.steps = 1;
  EXPECT_EQ(ParseParameters(ParametersText(plain))->prompt, "x");
  EXPECT_FALSE(ParseParameters("just a prompt").ok());
  EXPECT_FALSE(ParseParameters("Steps: \"1").ok());
}

TEST(MetadataTest, TheNodeGraphIsConnectedJson) {
  const Json graph = Json::Parse(NodeGraphJson(Made())).value();
  const Json* sampler = graph.Find("5")->Find("inputs");
  EXPECT_EQ(*sampler->Find("sampler_name")->text(), "dpmpp_2m");
  EXPECT_EQ(*sampler->Find("scheduler")->text(), "karras");
  EXPECT_EQ(*sampler->Find("cfg")->number(), 7.5);
  for (const auto& [id, node] : *graph.object()) {
    for (const auto& [name, value] : *node.Find("inputs")->object()) {
      if (const Json::Array* link = value.array()) {
        EXPECT_NE(graph.Find(*(*link)[0].text()), nullptr) << id << name;
      }
    }
  }
}

TEST(MetadataTest, APictureCarriesAllTexts) {
  const PngTexts texts = TextsOf(Made());
  const auto bytes = EncodePng(MakeImage(8, 8, 3), texts);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(DecodePng(*bytes)->texts, texts);
  EXPECT_TRUE(Json::Parse(texts[2].second).ok());
}

}  // namespace
}  // namespace sheaf::engine
