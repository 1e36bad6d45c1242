#include "server/liveness/service_manager.h"

#include <gtest/gtest.h>

#include "tests/server/liveness/manager_socket.h"

namespace sheaf::server {
namespace {

TEST(ServiceManagerTest, HearsThatTheServerIsReadyAliveAndStops) {
  const ManagerSocket socket;
  const ServiceManager manager(socket.name(), /*wants_watchdog=*/true);
  manager.Ready();
  EXPECT_EQ(socket.Heard(), "READY=1");
  manager.Alive();
  EXPECT_EQ(socket.Heard(), "WATCHDOG=1");
  manager.Stopping();
  EXPECT_EQ(socket.Heard(), "STOPPING=1");
}

TEST(ServiceManagerTest, WithoutAWatchdogNobodyHearsThatTheServerIsAlive) {
  const ManagerSocket socket;
  ServiceManager(socket.name(), /*wants_watchdog=*/false).Alive();
  EXPECT_EQ(socket.Heard(), "(nothing)");
}

TEST(ServiceManagerAloneTest, WithoutAManagerNothingHappens) {
  ServiceManager("", true).Ready();
  ServiceManager("/nonexistent/socket", true).Ready();
}

}  // namespace
}  // namespace sheaf::server
