#include "inference/engine/weights/safetensors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "inference/engine/weights/mapped_files.h"
#include "tests/base/temp_folder.h"

namespace sheaf::engine {
namespace {

using testing::HasSubstr;

// A file with this header and so many bytes after it.
std::string File(std::string_view header, size_t data_bytes) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) {
    bytes += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  }
  bytes += header;
  return bytes + std::string(data_bytes, 'x');
}

std::string MessageOf(const std::string& file) {
  const auto header = ParseSafetensors(file);
  return header.ok() ? "it is fine" : std::string(header.status().message());
}

TEST(SafetensorsTest, AHeaderTellsNamesTypesShapesAndMetadata) {
  const auto header = ParseSafetensors(
      File(R"({"b":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]},)"
           R"("__metadata__":{"format":"pt"},)"
           R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}   )",
           12 + 4));
  ASSERT_TRUE(header.ok()) << header.status();
  ASSERT_EQ(header->entries.size(), 2u);
  EXPECT_EQ(header->entries[0].name, "a");
  EXPECT_TRUE(header->entries[0].shape.empty());
  EXPECT_EQ(header->entries[1].dtype, DType::kF16);
  EXPECT_EQ(header->entries[1].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(header->metadata.at("format"), "pt");
}

TEST(SafetensorsTest, EmptyTensorsAndEmptyFilesAreFine) {
  EXPECT_TRUE(ParseSafetensors(File("{}", 0)).ok());
  EXPECT_TRUE(
      ParseSafetensors(
          File(R"({"a":{"dtype":"U8","shape":[0,4],"data_offsets":[0,0]},)"
               R"("b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
               1))
          .ok());
}

struct Fault {
  const char* header;
  size_t data_bytes;
  const char* words;
};

class SafetensorsFaultTest : public testing::TestWithParam<Fault> {};

TEST_P(SafetensorsFaultTest, IsRefusedByName) {
  EXPECT_THAT(MessageOf(File(GetParam().header, GetParam().data_bytes)),
              HasSubstr(GetParam().words));
}

#define ENTRY(name, dtype, shape, begin, end)              \
  "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape \
  ",\"data_offsets\":[" begin "," end "]}"

INSTANTIATE_TEST_SUITE_P(
    Each, SafetensorsFaultTest,
    testing::Values(
        Fault{"[]", 0, "does not begin with {"}, Fault{"{", 0, "no JSON"},
        Fault{"{} {}", 0, "no JSON"},
        Fault{"{\"a\":1}", 0, "a: a number where none belongs"},
        Fault{"{\"a\":{}}", 0, "a: no dtype"},
        Fault{"{" ENTRY("a", "F33", "[1]", "0", "4") "}", 4,
              "a: unknown dtype F33"},
        Fault{"{" ENTRY("a", "F32", "[1]", "0",
                        "4") "," ENTRY("a", "F32", "[1]", "4", "8") "}",
              8, "a: the name stands twice"},
        Fault{"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 0,
              "a: dtype stands twice"},
        Fault{"{\"a\":{\"colour\":\"U8\"}}", 0, "a: unknown field colour"},
        Fault{"{\"a\":{\"dtype\":{}}}", 0, "a: an object where none belongs"},
        Fault{"{" ENTRY("a", "F32", "[[1]]", "0", "4") "}", 4,
              "a: an array where none belongs"},
        Fault{"{" ENTRY("a", "F32", "[-1]", "0", "4") "}", 4,
              "a: a negative number"},
        Fault{"{" ENTRY("a", "F32", "[1.0]", "0", "4") "}", 4,
              "a: a number that is not whole"},
        Fault{"{" ENTRY("a", "F32", "[2]", "0", "4") "}", 4,
              "a: the shape and the offsets disagree"},
        Fault{"{" ENTRY("a", "F32", "[1]", "4", "0") "}", 4,
              "a: the shape and the offsets disagree"},
        Fault{"{" ENTRY("a", "U8", "[281474976710656,281474976710656]", "0",
                        "0") "}",
              0, "a: the shape is too large"},
        Fault{"{" ENTRY("a", "U8", "[18446744073709551615]", "0", "0") "}", 0,
              "a: a dimension is too large"},
        Fault{"{" ENTRY("a", "U8", "[8]", "0", "8") "}", 4,
              "a: its bytes end at 8, the file's at 4"},
        Fault{"{" ENTRY("a", "U8", "[4]", "0", "4") "," ENTRY("b", "U8", "[4]",
                                                              "2", "6") "}",
              6, "b: begins at 2, not at 4"},
        Fault{"{" ENTRY("a", "U8", "[4]", "0", "4") "," ENTRY("b", "U8", "[4]",
                                                              "6", "10") "}",
              10, "b: begins at 6, not at 4"},
        Fault{"{" ENTRY("a", "U8", "[4]", "0", "4") "}", 9,
              "5 bytes at the end belong to no tensor"},
        Fault{"{\"__metadata__\":{\"a\":1}}", 0, "a number where none"},
        Fault{"{\"__metadata__\":{\"a\":{}}}", 0, "an object where none"},
        Fault{"{\"\xFF\":1}", 0, "not valid UTF-8"}));

TEST(SafetensorsTest, AHeaderLongerThanItsFileIsRefused) {
  EXPECT_THAT(MessageOf("short"), HasSubstr("too short"));
  EXPECT_THAT(MessageOf(std::string(8, '\xFF')), HasSubstr("a header of 184"));
  std::string file = File("{}", 0);
  file[0] = 3;
  EXPECT_THAT(MessageOf(file), HasSubstr("a header of 3 bytes"));
}

TEST(SafetensorsTest, WhatIsWrittenIsReadAgain) {
  const TempFolder folder;
  TensorMap tensors;
  tensors["half"] = MakeTensor(DType::kF16, {3}, std::vector<std::byte>(6));
  tensors["z"] = MakeFloatTensor({2, 2}, {1, 2, 3, 4});
  tensors["a"] = MakeFloatTensor({}, {-0.5f});
  tensors["none"] = MakeFloatTensor({0}, {});
  const std::string path = folder.path() + "/x.safetensors";
  ASSERT_TRUE(WriteSafetensors(path, tensors, {{"who", "a \"test\""}}).ok());
  for (const auto mode : {MappedFile::Mode::kMap, MappedFile::Mode::kCopy}) {
    const auto file = ReadSafetensors(path, mode);
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ(file->metadata.at("who"), "a \"test\"");
    ASSERT_EQ(file->tensors.size(), 4u);
    EXPECT_EQ(file->tensors.at("z").ToFloats(),
              (std::vector<float>{1, 2, 3, 4}));
    EXPECT_EQ(file->tensors.at("a").ToFloats(), std::vector<float>{-0.5f});
    for (const auto& [name, tensor] : file->tensors) {
      EXPECT_TRUE(tensor.is_aligned()) << name;
    }
  }
}

TEST(SafetensorsTest, WritingToAPageDoesNotReachTheFile) {
  const TempFolder folder;
  const std::string path = folder.path() + "/x.safetensors";
  ASSERT_TRUE(
      WriteSafetensors(path, {{"a", MakeFloatTensor({1}, {7})}}, {}).ok());
  auto file = ReadSafetensors(path);
  ASSERT_TRUE(file.ok());
  *reinterpret_cast<float*>(file->tensors.at("a").data) = 8;
  EXPECT_EQ(ReadSafetensors(path)->tensors.at("a").ToFloats()[0], 7);
}

TEST(SafetensorsTest, AFileThatShrinksUnderUsGivesAnErrorWithFileAndKey) {
  const TempFolder folder;
  const std::string path = folder.path() + "/x.safetensors";
  constexpr int64_t kCount = 1 << 20;
  ASSERT_TRUE(WriteSafetensors(
                  path,
                  {{"big", MakeFloatTensor({kCount},
                                           std::vector<float>(kCount, 1.0f))}},
                  {})
                  .ok());
  const auto file = ReadSafetensors(path);
  ASSERT_TRUE(file.ok());
  const Tensor& tensor = file->tensors.at("big");
  EXPECT_TRUE(tensor.Prefetch("big").ok());
  ASSERT_EQ(truncate(path.c_str(), 8192), 0);
  // Code that touches the lost pages meanwhile reads zeros and does not crash.
  EXPECT_EQ(tensor.ToFloats().back(), 0.0f);
  const absl::Status status = tensor.Prefetch("big");
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  EXPECT_THAT(std::string(status.message()), HasSubstr("at big"));
  EXPECT_FALSE(tensor.file->Check().ok());
}

TEST(SafetensorsTest, PrefetchSeesAShrunkFileBeforeAnybodyTouchesIt) {
  const TempFolder folder;
  const std::string path = folder.Write(
      "x.safetensors",
      EncodeSafetensors({{"big", MakeTensor(DType::kU8, {100000},
                                            std::vector<std::byte>(100000))}},
                        {}));
  const auto file = ReadSafetensors(path);
  ASSERT_EQ(truncate(path.c_str(), 4096), 0);
  EXPECT_EQ(file->tensors.at("big").Prefetch("big").code(),
            absl::StatusCode::kDataLoss);
}

TEST(MappedFileTest, AFileThatIsWrittenToIsNoticed) {
  const TempFolder folder;
  folder.Write("kept", std::string(8192, 'a'));
  folder.Write("w", std::string(8192, 'a'));
  const std::string path = folder.path() + "/w";
  const uint64_t first = NextMappedFile();
  const auto kept =
      MappedFile::Open(folder.path() + "/kept", MappedFile::Mode::kMap);
  const auto file = MappedFile::Open(path, MappedFile::Mode::kMap);
  const auto copy = MappedFile::Open(path, MappedFile::Mode::kCopy);
  const uint64_t end = NextMappedFile();
  ASSERT_TRUE(kept.ok() && file.ok() && copy.ok());
  EXPECT_EQ(end, first + 2);
  EXPECT_TRUE(CheckMappedFiles(first, end).ok());
  // A write to our own copy of a page is no change of the file.
  (*file)->data()[0] = std::byte{1};
  EXPECT_TRUE((*file)->Check().ok());
  std::fstream stream(path, std::ios::in | std::ios::out);
  stream.seekp(5000);
  stream << "changed" << std::flush;
  // Two writes within one tick of the clock have the same time, and a test
  // should not wait: set a later time.
  const timespec later[] = {{.tv_sec = 1, .tv_nsec = 0},
                            {.tv_sec = 1, .tv_nsec = 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), later, 0), 0);
  EXPECT_EQ((*file)->Check().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string((*file)->Check().message()),
              HasSubstr("w: the file was written to"));
  EXPECT_TRUE((*kept)->Check().ok());
  EXPECT_TRUE((*copy)->Check().ok());
  EXPECT_FALSE(CheckMappedFiles(first, end).ok());
  EXPECT_TRUE(CheckMappedFiles(first, first + 1).ok());
}

TEST(MappedFileTest, AFileThatAnotherTookThePlaceOfIsWhatItWas) {
  const TempFolder folder;
  folder.Write("w", "old");
  folder.Write("new", "new");
  const std::string path = folder.path() + "/w";
  const auto file = MappedFile::Open(path, MappedFile::Mode::kMap);
  ASSERT_TRUE(file.ok());
  ASSERT_EQ(rename((folder.path() + "/new").c_str(), path.c_str()), 0);
  EXPECT_TRUE((*file)->Check().ok());
  EXPECT_EQ((*file)->data()[0], std::byte{'o'});
}

TEST(SafetensorsTest, WhatIsNoRegularFileIsRefused) {
  const TempFolder folder;
  EXPECT_EQ(ReadSafetensors(folder.path()).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadSafetensors(folder.path() + "/none").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadSafetensors("/dev/null").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(SafetensorsTest, ABrokenFileOfGoldenNumbersIsRefusedOrReadWhole) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string good = EncodeSafetensors(
      {{"a", MakeFloatTensor({2, 2}, {1, 2, 3, 4})},
       {"b", MakeTensor(DType::kBool, {3}, std::vector<std::byte>(3))}},
      {{"k", "v"}});
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = good;
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    bytes.resize(bytes.size() - random() % 2 * (random() % bytes.size()));
    const auto header = ParseSafetensors(bytes);
    if (!header.ok()) continue;
    for (const SafetensorsEntry& entry : header->entries) {
      ASSERT_LE(header->data_offset + entry.end, bytes.size());
    }
  }
}

}  // namespace
}  // namespace sheaf::engine
