#include "server/blobs/posix_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

class PosixFileTest : public ::testing::Test {
 protected:
  PosixFileTest() {
    // Two builds may be tested at once.
    path_ = ::testing::TempDir() + "/posix_file." + std::to_string(getpid()) +
            "." +
            ::testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  ~PosixFileTest() override { std::filesystem::remove(path_); }

  std::string path_;
};

TEST_F(PosixFileTest, WhatIsWrittenIsReadInPieces) {
  PosixFile file(path_, O_RDWR | O_CREAT, 0600);
  ASSERT_TRUE(file.open());
  ASSERT_TRUE(file.WriteAll("hello world").ok());
  ASSERT_TRUE(file.Sync().ok());
  EXPECT_EQ(file.Size().value(), 11);
  EXPECT_EQ(file.ReadAt(6, 3).value(), "wor");
  EXPECT_EQ(file.ReadAt(6, 100).value(), "world");
  EXPECT_EQ(file.ReadAt(11, 100).value(), "");
}

TEST_F(PosixFileTest, ALinkIsNotFollowed) {
  std::filesystem::create_symlink("/etc/hostname", path_);
  EXPECT_FALSE(PosixFile(path_, O_RDONLY).open());
  EXPECT_EQ(errno, ELOOP);
}

TEST_F(PosixFileTest, AFileHasOneOwner) {
  PosixFile file(path_, O_RDWR | O_CREAT, 0600);
  PosixFile other = std::move(file);
  EXPECT_FALSE(file.open());
  EXPECT_TRUE(other.open());
  other.Close();
  EXPECT_FALSE(other.open());
}

// /dev/full refuses every byte as a full disk does.
TEST_F(PosixFileTest, AFullDiskIsCalledSo) {
  PosixFile full("/dev/full", O_WRONLY);
  ASSERT_TRUE(full.open());
  EXPECT_EQ(ReasonOf(full.WriteAll("x")), Reason::kDiskFull);
  for (const int error : {ENOSPC, EDQUOT, EFBIG}) {
    EXPECT_EQ(ReasonOf(ErrnoStatus(error, "x")), Reason::kDiskFull) << error;
  }
  const absl::Status other = ErrnoStatus(EIO, "cannot store it");
  EXPECT_EQ(ReasonOf(other), Reason::kStoreUnavailable);
  EXPECT_EQ(other.message().substr(0, 17), "cannot store it: ");
}

}  // namespace
}  // namespace sheaf::server
