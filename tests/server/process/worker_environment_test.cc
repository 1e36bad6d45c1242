#include "server/process/worker_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sheaf::server {
namespace {

using testing::ElementsAre;

TEST(WorkerEnvironmentTest, PasswordsStayWithTheServer) {
  const char* const variables[] = {"PATH=/usr/bin",
                                   "DB_PASSWORD=hunter2",
                                   "SHEAF_TOKEN=t0k3n",
                                   "LC_ALL=C.UTF-8",
                                   "AWS_SECRET=x",
                                   "CUDA_VISIBLE_DEVICES=1",
                                   "SHEAF_WORKER_NAME=w1",
                                   "PATHOLOGY=x",
                                   "LD_PRELOAD=x.so",
                                   "OMP_NUM_THREADS=2",
                                   nullptr};
  EXPECT_THAT(
      WorkerEnvironment(variables, {}),
      ElementsAre("PATH=/usr/bin", "LC_ALL=C.UTF-8", "CUDA_VISIBLE_DEVICES=1",
                  "SHEAF_WORKER_NAME=w1", "OMP_NUM_THREADS=2"));
}

TEST(WorkerEnvironmentTest, OperatorsAddToIt) {
  const char* const variables[] = {"HTTPS_PROXY=p", "HF_HOME=/models",
                                   "HF_TOKEN_FILE=f", "HFX=no", nullptr};
  EXPECT_THAT(
      WorkerEnvironment(variables, {"HF_*", "HTTPS_PROXY"}),
      ElementsAre("HTTPS_PROXY=p", "HF_HOME=/models", "HF_TOKEN_FILE=f"));
}

}  // namespace
}  // namespace sheaf::server
