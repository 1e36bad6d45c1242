#include "server/admission/listeners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/base/temp_folder.h"

namespace sheaf::server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ListenersTest : public testing::Test {
 protected:
  ListenersTest() { path_ = directory_ + "/socket"; }

  // Listens as another program does; the socket file stays when it is closed.
  int ListenAsAnother() {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {.sun_family = AF_UNIX};
    std::strncpy(address.sun_path, path_.c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(
        bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
        0);
    EXPECT_EQ(listen(fd, 1), 0);
    return fd;
  }
  auto Open(int mode = 0600) {
    return Listeners::Open({"unix:" + path_}, mode);
  }

  const TempFolder temp_;
  const std::string directory_ = temp_.path();
  std::string path_;
};

TEST_F(ListenersTest, LiveSocketOfAnotherProgramIsLeftAlone) {
  const int other = ListenAsAnother();
  const auto opened = Open();
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(std::string(opened.status().message()),
              HasSubstr("another program listens there"));
  EXPECT_TRUE(std::filesystem::exists(path_));
  close(other);
}

TEST_F(ListenersTest, SocketFileThatAServerLeftBehindIsReplaced) {
  close(ListenAsAnother());
  ASSERT_TRUE(std::filesystem::exists(path_));
  EXPECT_TRUE(Open().ok());
}

TEST_F(ListenersTest, FileThatIsNoSocketIsLeftAlone) {
  std::ofstream(path_) << "precious";
  EXPECT_FALSE(Open().ok());
  EXPECT_EQ(std::filesystem::file_size(path_), 8u);
}

TEST_F(ListenersTest, SocketFileHasItsModeAndGoesWithTheServer) {
  struct stat info;
  {
    const auto opened = Open(0660);
    ASSERT_TRUE(opened.ok()) << opened.status();
    ASSERT_EQ(lstat(path_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0660u);
  }
  EXPECT_NE(lstat(path_.c_str(), &info), 0);
}

TEST_F(ListenersTest, SocketFileOfAServerThatCameAfterStays) {
  auto opened = Open();
  ASSERT_TRUE(opened.ok());
  std::filesystem::remove(path_);
  const int other = ListenAsAnother();
  opened->reset();
  EXPECT_TRUE(std::filesystem::exists(path_));
  close(other);
}

TEST_F(ListenersTest, PortThatIsTakenIsSaid) {
  const auto first = Listeners::Open({"127.0.0.1:0", "localhost:0"}, 0600);
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string address = (*first)->addresses().front();
  EXPECT_THAT(address, StartsWith("127.0.0.1:"));
  EXPECT_THAT((*first)->addresses().back(), StartsWith("localhost:"));
  const auto second = Listeners::Open({address}, 0600);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("is another server there?"));
}

}  // namespace
}  // namespace sheaf::server
