#include "base/files.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/sha256.h"
#include "gtest/gtest.h"
#include "tests/base/temp_folder.h"

namespace sheaf {
namespace {

class FilesTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) { return folder_ + "/" + name; }
  static std::string BytesOf(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  int FileCount() {
    const std::filesystem::directory_iterator files(folder_);
    return static_cast<int>(std::distance(begin(files), end(files)));
  }

  const TempFolder temp_;
  const std::string folder_ = temp_.path();
};

TEST_F(FilesTest, AFileIsReplacedAndNoPartOfItIsLeft) {
  EXPECT_TRUE(WriteFileDurably(Path("a"), "a longer text").ok());
  EXPECT_TRUE(WriteFileDurably(Path("a"), "short").ok());
  EXPECT_EQ(BytesOf(Path("a")), "short");
  EXPECT_EQ(FileCount(), 1);
  EXPECT_FALSE(WriteFileDurably(Path("nowhere/a"), "text").ok());
}

TEST_F(FilesTest, ANewFileIsWrittenOverNoOther) {
  EXPECT_TRUE(WriteNewFile(Path("a"), "first").ok());
  EXPECT_FALSE(WriteNewFile(Path("a"), "second").ok());
  std::filesystem::create_symlink(Path("b"), Path("link"));
  EXPECT_FALSE(WriteNewFile(Path("link"), "through a link").ok());
  EXPECT_FALSE(CopyFileDurably(Path("link"), Path("a")).ok());
  EXPECT_EQ(BytesOf(Path("a")), "first");
}

TEST_F(FilesTest, ACopyHasTheSameBytesAndSum) {
  const std::string bytes((1 << 20) + 17, 'x');
  EXPECT_TRUE(WriteNewFile(Path("a"), bytes).ok());
  EXPECT_TRUE(CopyFileDurably(Path("a"), Path("b")).ok());
  EXPECT_EQ(BytesOf(Path("b")), bytes);
  EXPECT_EQ(*Sha256OfFile(Path("b")), Sha256Hex(bytes));
  EXPECT_EQ(FileSize(Path("b")), static_cast<int64_t>(bytes.size()));
  EXPECT_EQ(FileSize(Path("c")), 0);
}

TEST_F(FilesTest, APathWithoutAFolderLiesInThePresentOne) {
  EXPECT_EQ(FolderOf("sheaf.db"), ".");
  EXPECT_EQ(FolderOf("/var/lib/sheaf/sheaf.db"), "/var/lib/sheaf");
}

}  // namespace
}  // namespace sheaf
