#include "inference/engine/weights/pickle.h"

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "inference/engine/weights/pickle_machine.h"
#include "inference/engine/weights/zip.h"
#include "tests/base/temp_folder.h"
#include "tests/inference/engine/weights/stored_zip.h"

namespace sheaf::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_literals;

// Pickle protocol 2, as torch.save writes it.
std::string Text(const std::string& text) {
  return "X" + LittleEndian(text.size(), 4) + text;
}
std::string Number(int number) { return "K" + LittleEndian(number, 1); }
std::string Tuple(const std::vector<int>& numbers) {
  std::string code = "(";
  for (const int number : numbers) code += Number(number);
  return code + "t";
}
std::string Global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
std::string Storage(const std::string& type, const std::string& key,
                    int count) {
  return "(" + Text("storage") + Global("torch", type) + Text(key) +
         Text("cpu") + Number(count) + "tQ";
}
std::string TensorCode(const std::string& storage, int offset,
                       const std::vector<int>& shape,
                       const std::vector<int>& strides) {
  return Global("torch._utils", "_rebuild_tensor_v2") + "(" + storage +
         Number(offset) + Tuple(shape) + Tuple(strides) + "\x89" +
         Global("collections", "OrderedDict") + ")RtR";
}
std::string Dict(const std::string& items) {
  return Global("collections", "OrderedDict") + ")R(" + items + "u";
}
std::string Whole(const std::string& code) { return "\x80\x02" + code + "."; }

// Six floats, 0 to 5, as the storage "0".
std::string SixFloats() {
  std::string bytes;
  for (int i = 0; i < 6; ++i) {
    const float value = static_cast<float>(i);
    bytes.append(reinterpret_cast<const char*>(&value), 4);
  }
  return bytes;
}

std::string Archive(const std::string& code) {
  return StoredZip({{"archive/data.pkl", Whole(code)},
                    {"archive/byteorder", "little"},
                    {"archive/data/0", SixFloats()}});
}

std::string MessageOf(const std::string& code) {
  const auto tensors = ParsePickle(Archive(code));
  return tensors.ok() ? "fine" : std::string(tensors.status().message());
}

const std::string kSix = Storage("FloatStorage", "0", 6);

TEST(PickleTest, AStateDictionaryIsRead) {
  const auto tensors =
      ParsePickle(Archive(Dict(Text("w") + TensorCode(kSix, 0, {2, 3}, {3, 1}) +
                               Text("epoch") + Number(7))));
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ASSERT_EQ(tensors->size(), 1u);
  EXPECT_THAT(tensors->at("w").shape, ElementsAre(2, 3));
  EXPECT_THAT(tensors->at("w").ToFloats(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(PickleTest, StridesAndOffsetsAreFollowed) {
  const auto tensors = ParsePickle(
      Archive(Dict(Text("t") + TensorCode(kSix, 0, {3, 2}, {1, 3}) +
                   Text("row") + TensorCode(kSix, 3, {1, 3}, {200, 1}))));
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_THAT(tensors->at("t").ToFloats(), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(tensors->at("row").ToFloats(), ElementsAre(3, 4, 5));
}

TEST(PickleTest, AFileIsReadInPlace) {
  const TempFolder folder;
  const std::string path = folder.Write(
      "x.bin", Archive(Dict(Text("w") + TensorCode(kSix, 2, {4}, {1}))));
  const auto tensors = ReadPickle(path);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_NE(tensors->at("w").file, nullptr);
  EXPECT_THAT(tensors->at("w").ToFloats(), ElementsAre(2, 3, 4, 5));
}

TEST(PickleTest, WrappersAndNestsGetDottedNames) {
  const std::string tensor = TensorCode(kSix, 0, {6}, {1});
  const auto tensors = ParsePickle(Archive(
      Dict(Text("state_dict") + Dict(Text("unet") + Dict(Text("w") + tensor)) +
           Text("w") + tensor)));
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ASSERT_EQ(tensors->size(), 1u);
  EXPECT_EQ(tensors->count("unet.w"), 1u);
}

TEST(PickleTest, ParametersAndAttributesOfTheDictionaryAreFine) {
  const auto tensors = ParsePickle(
      Archive(Dict(Text("w") + Global("torch._utils", "_rebuild_parameter") +
                   "(" + TensorCode(kSix, 0, {6}, {1}) + "\x88" + "}tR") +
              "}" + Text("_metadata") + "Nsb"));
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_EQ(tensors->size(), 1u);
}

TEST(PickleTest, OtherGlobalsAreRefusedByName) {
  EXPECT_THAT(MessageOf(Global("posix", "system") + "(" + Text("id") + "tR"),
              HasSubstr("the global posix.system is not allowed"));
  EXPECT_THAT(MessageOf(Text("builtins") + Text("eval") + "\x93"),
              HasSubstr("the global builtins.eval is not allowed"));
  EXPECT_THAT(MessageOf("i"), HasSubstr("opcode 69 is not allowed"));
}

TEST(PickleTest, TensorsOutsideTheirStorageAreRefused) {
  const auto message = [](int offset, const std::vector<int>& shape,
                          const std::vector<int>& strides) {
    return MessageOf(
        Dict(Text("w") + TensorCode(kSix, offset, shape, strides)));
  };
  EXPECT_EQ(message(0, {6}, {1}), "fine");
  EXPECT_EQ(message(5, {0}, {1}), "fine");
  EXPECT_THAT(message(1, {6}, {1}), HasSubstr("w: reaches outside"));
  EXPECT_THAT(message(0, {2, 3}, {4, 1}), HasSubstr("w: reaches outside"));
  EXPECT_THAT(message(0, {2, 3}, {1}), HasSubstr("w: the shape and the str"));
  EXPECT_THAT(message(0, {200, 200}, {0, 0}),
              HasSubstr("w: is larger than its storage"));
  EXPECT_THAT(
      MessageOf(Dict(Text("w") +
                     TensorCode(Storage("FloatStorage", "9", 6), 0, {1}, {1}))),
      HasSubstr("w: its storage is missing"));
  EXPECT_THAT(
      MessageOf(Dict(Text("w") + TensorCode(Storage("DoubleStorage", "0", 6), 0,
                                            {6}, {1}))),
      HasSubstr("w: reaches outside"));
}

TEST(PickleTest, BrokenProgramsAreRefused) {
  for (const std::string& code :
       {""s, "0"s, "t"s, "h\x05"s, "u"s, "R"s, "b"s, "q\x01"s, "}(K\x01u"s,
        "K\x01K\x02s"s, "Q"s, "(Q"s, "X\xFF\xFF\xFF\xFFzz"s, "c no end"s,
        "\x8A\x09zzzzzzzzz"s, "(0"s, "K\x01"s, "]"s}) {
    EXPECT_FALSE(ParsePickle(Archive(code)).ok()) << code;
  }
}

TEST(PickleTest, CyclesAndDeepNestsDoNoHarm) {
  // A dictionary that holds itself; a tuple in a tuple in a tuple...
  EXPECT_THAT(MessageOf("}q\x01" + Text("me") + "h\x01s"),
              HasSubstr("nested too deeply"));
  EXPECT_THAT(MessageOf(")" + std::string(1000000, '\x85')),
              HasSubstr("holds no dictionary"));
}

TEST(PickleTest, EntriesAreCountedWhateverTheirKeysAre) {
  // A dictionary of 2,000 numbered slots under 1,000 names.
  std::string slots = "}q\x01(";
  for (int i = 0; i < 2000; ++i) slots += Number(1) + Number(1);
  std::string code = slots + "u0}(";
  for (int i = 0; i < 1000; ++i) code += Text("a") + "h\x01";
  EXPECT_THAT(MessageOf(code + "u"), HasSubstr("a.: too many entries"));
}

TEST(PickleTest, ALongTextIsNoNameAndIsNotCopied) {
  std::string code = "X" + LittleEndian(1 << 20, 4) +
                     std::string(1 << 20, 'n') + "q\x01" + "0}(";
  for (int i = 0; i < 1000; ++i) code += "h\x01N";
  EXPECT_THAT(MessageOf(code + "u"), HasSubstr("the name is too long"));
}

TEST(PickleTest, NoByteOfAPickleBuysMuchMemory) {
  const auto error = [](const std::string& code) {
    return std::string(RunPickle(code).status().message());
  };
  constexpr size_t kMany = (size_t{4} << 20) + 1;
  EXPECT_THAT(error(std::string(kMany, ')')), HasSubstr("too many values"));
  EXPECT_THAT(error(std::string(kMany, '(')), HasSubstr("too many values"));
  EXPECT_THAT(error("N" + std::string(kMany, '\x94')),
              HasSubstr("keeps too many values"));
  std::string recalls = "Nq\x01";
  for (size_t i = 0; i < kMany; ++i) recalls += "h\x01";
  EXPECT_THAT(error(recalls), HasSubstr("too many values"));
  std::string tensors = Global("torch._utils", "_rebuild_tensor_v2") + "q\x01" +
                        "(" + kSix + Number(0) + Tuple({6}) + Tuple({1}) +
                        "\x89Ntq\x02";
  for (int i = 0; i < 100'001; ++i) tensors += "h\x01h\x02R0";
  EXPECT_THAT(error(tensors), HasSubstr("too many tensors"));
  EXPECT_THAT(error(std::string((size_t{64} << 20) + 1, 'N')),
              HasSubstr("the pickle is too long"));
}

TEST(ZipTest, OnlyStoredEntriesAreRead) {
  std::string file = StoredZip({{"a", "xyz"}});
  EXPECT_EQ(ReadStoredZip(file)->at("a"), "xyz");
  const size_t directory = file.find("PK\1\2");
  std::string packed = file;
  packed[directory + 10] = 8;
  EXPECT_THAT(std::string(ReadStoredZip(packed).status().message()),
              HasSubstr("a: compressed"));
  std::string secret = file;
  secret[directory + 8] = 1;
  EXPECT_THAT(std::string(ReadStoredZip(secret).status().message()),
              HasSubstr("a: encrypted"));
  EXPECT_THAT(
      std::string(
          ReadStoredZip(StoredZip({{"a", ""}, {"a", ""}})).status().message()),
      HasSubstr("a: listed twice"));
}

TEST(ZipTest, BrokenArchivesAreRefused) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string good =
      Archive(Dict(Text("w") + TensorCode(kSix, 0, {2, 3}, {3, 1})));
  ASSERT_TRUE(ParsePickle(good).ok());
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = good;
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    bytes.resize(bytes.size() - random() % 2 * (random() % bytes.size()));
    const auto tensors = ParsePickle(bytes);
    if (!tensors.ok()) continue;
    for (const auto& [name, tensor] : *tensors) tensor.ToFloats();
  }
  EXPECT_FALSE(ReadStoredZip("").ok());
  EXPECT_FALSE(ReadStoredZip(std::string(22, 'P')).ok());
}

}  // namespace
}  // namespace sheaf::engine
