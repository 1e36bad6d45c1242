#include "server/process/data_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/base/temp_folder.h"

namespace sheaf::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class DataDirectoryTest : public testing::Test {
 protected:
  DataDirectoryTest() { path_ = root_ + "/a/data"; }

  absl::Status Prepare() {
    return PrepareDataDirectory(
        path_, [this](const std::string& line) { log_ += line; });
  }
  void Make(mode_t mode) {
    std::filesystem::create_directories(path_);
    chmod(path_.c_str(), mode);
  }
  static int ModeOf(const std::string& path) {
    struct stat info = {};
    EXPECT_EQ(lstat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }
  std::string File(const std::string& name, mode_t mode) {
    const std::string path = path_ + "/" + name;
    std::filesystem::create_directories(
        std::filesystem::path(path).parent_path());
    std::ofstream(path) << "x";
    chmod(path.c_str(), mode);
    return path;
  }

  const TempFolder temp_;
  const std::string root_ = temp_.path();
  std::string path_;
  std::string log_;
};

TEST_F(DataDirectoryTest, NewOneIsForItsOwnerAlone) {
  ASSERT_TRUE(Prepare().ok());
  EXPECT_EQ(ModeOf(path_), 0700);
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(DataDirectoryTest, OneThatOthersMayEnterIsNarrowedWithWhatIsInIt) {
  Make(0755);
  const std::string database = File("sheaf.db", 0644);
  const std::string backup = File("backups/b.db", 0664);
  chmod((path_ + "/backups").c_str(), 0755);
  ASSERT_TRUE(Prepare().ok());
  EXPECT_EQ(ModeOf(path_), 0700);
  EXPECT_EQ(ModeOf(database), 0600);
  EXPECT_EQ(ModeOf(backup), 0600);
  EXPECT_EQ(ModeOf(path_ + "/backups"), 0700);
  EXPECT_THAT(log_, HasSubstr("could be entered by other users"));
  log_.clear();
  ASSERT_TRUE(Prepare().ok());
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(DataDirectoryTest, LinksInItAreNotFollowed) {
  Make(0755);
  const std::string elsewhere = root_ + "/elsewhere";
  std::ofstream(elsewhere) << "x";
  chmod(elsewhere.c_str(), 0644);
  std::filesystem::create_symlink(elsewhere, path_ + "/link");
  ASSERT_TRUE(Prepare().ok());
  EXPECT_EQ(ModeOf(elsewhere), 0644);
}

TEST_F(DataDirectoryTest, AnothersDirectoryIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  Make(0700);
  ASSERT_EQ(chown(path_.c_str(), 65534, 65534), 0);
  const absl::Status refused = Prepare();
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("belongs to user 65534"));
}

TEST_F(DataDirectoryTest, LinkOfAnotherUserIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  Make(0700);
  const std::string real = path_;
  path_ = root_ + "/link";
  std::filesystem::create_symlink(real, path_);
  EXPECT_TRUE(Prepare().ok());
  ASSERT_EQ(lchown(path_.c_str(), 65534, 65534), 0);
  EXPECT_THAT(std::string(Prepare().message()),
              HasSubstr("a link that another user has made"));
}

TEST_F(DataDirectoryTest, PlaceWhereEverybodyMayRenameItIsRefused) {
  Make(0700);
  chmod((root_ + "/a").c_str(), 0777);
  EXPECT_THAT(std::string(Prepare().message()),
              HasSubstr("everybody may rename"));
  chmod((root_ + "/a").c_str(), 01777);  // as /tmp
  EXPECT_TRUE(Prepare().ok());
}

TEST_F(DataDirectoryTest, FileIsNoDirectory) {
  std::filesystem::create_directories(root_ + "/a");
  std::ofstream(path_) << "x";
  EXPECT_THAT(std::string(Prepare().message()), HasSubstr("not a directory"));
}

}  // namespace
}  // namespace sheaf::server
