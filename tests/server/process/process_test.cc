#include "server/process/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "tests/base/temp_folder.h"

namespace sheaf::server {
namespace {

// Puts back what the process was allowed.
class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest() : mask_before_(umask(0)) {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &files_before_), 0);
    rlimit few = files_before_;
    few.rlim_cur = 100;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~ProcessTest() override {
    umask(mask_before_);
    setrlimit(RLIMIT_NOFILE, &files_before_);
  }

  const mode_t mask_before_;
  rlimit files_before_;
};

TEST_F(ProcessTest, NewFilesAreForTheirOwnerAlone) {
  PrepareProcess();
  const TempFolder folder;
  const std::string path = folder.path() + "/file";
  close(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
  struct stat info;
  EXPECT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(ProcessTest, AsManyFilesMayBeOpenAsTheSystemAllows) {
  EXPECT_EQ(FileLimit(), 100);
  PrepareProcess();
  rlimit files;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  EXPECT_EQ(files.rlim_cur, files_before_.rlim_max);
  EXPECT_GT(FileLimit(), 100);
}

}  // namespace
}  // namespace sheaf::server
