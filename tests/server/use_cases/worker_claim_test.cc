#include "server/use_cases/worker_claim.h"

#include "base/version.h"
#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

WorkerInfo Registered() {
  WorkerInfo worker;
  worker.secret = "sixteen bytes or";
  worker.peer = "ipv4:127.0.0.1:4711";
  return worker;
}

TEST(WorkerClaimTest, TheSecretCountsOverAnyConnection) {
  const WorkerInfo worker = Registered();
  EXPECT_TRUE(Claims(worker, "ipv4:127.0.0.1:1", worker.secret));
  EXPECT_TRUE(Claims(worker, worker.peer, worker.secret));
  WorkerInfo missed = worker;
  missed.attached = false;
  EXPECT_TRUE(Claims(missed, "ipv4:127.0.0.1:1", worker.secret));
}

TEST(WorkerClaimTest, WithoutItTheConnectionOfTheStreamDoes) {
  const WorkerInfo worker = Registered();
  EXPECT_TRUE(Claims(worker, worker.peer, ""));
  EXPECT_FALSE(Claims(worker, "ipv4:127.0.0.1:4712", ""));
  EXPECT_FALSE(Claims(worker, "", ""));
  WorkerInfo missed = worker;
  missed.attached = false;
  EXPECT_FALSE(Claims(missed, worker.peer, "")) << "another may have it now";
}

TEST(WorkerClaimTest, NoConnectionOverAUnixSocketIsKnownFromAnother) {
  WorkerInfo worker = Registered();
  worker.peer = "unix:";
  EXPECT_FALSE(Claims(worker, "unix:", ""));
  EXPECT_TRUE(Claims(worker, "unix:", worker.secret));
}

TEST(WorkerClaimTest, AWrongSecretIsNoneOverAnyConnection) {
  const WorkerInfo worker = Registered();
  EXPECT_FALSE(Claims(worker, worker.peer, "another's secret"));
  EXPECT_FALSE(Claims(worker, worker.peer, "sixteen bytes"));
  WorkerInfo without = worker;
  without.secret.clear();
  EXPECT_FALSE(Claims(without, "ipv4:127.0.0.1:1", ""));
}

TEST(VersionTest, OnlyVersionsOfOursBeforeSecretsAreOutdated) {
  for (const char* old : {"0.1.0", "0.0.9", "0.1.99"}) {
    EXPECT_TRUE(IsOutdated(old)) << old;
  }
  for (const char* other : {"", "0.2.0", "0.10.0", "1.0.0", kVersion, "0.1",
                            "v0.1.0", "0.1.0-dev", "swatch", "-1.0.0", "..."}) {
    EXPECT_FALSE(IsOutdated(other)) << other;
  }
}

}  // namespace
}  // namespace sheaf::server
