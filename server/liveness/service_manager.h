// Tells the service manager (systemd, with Type=notify) that the server serves,
// that it is alive, that it stops. Does nothing where no manager has asked.
#pragma once

#include <string>

namespace sheaf::server {

class ServiceManager {
 public:
  // Reads NOTIFY_SOCKET and WATCHDOG_USEC from the environment. Call before
  // there are threads.
  ServiceManager();
  // The same with a socket's path; '@' at its start is an abstract name.
  ServiceManager(std::string socket, bool wants_watchdog)
      : socket_(std::move(socket)), wants_watchdog_(wants_watchdog) {}

  void Ready() const { Send("READY=1"); }
  void Stopping() const { Send("STOPPING=1"); }
  // Says that the server is alive, if the manager has asked for that.
  void Alive() const {
    if (wants_watchdog_) Send("WATCHDOG=1");
  }

 private:
  void Send(const std::string& text) const;

  std::string socket_;
  bool wants_watchdog_ = false;
};

}  // namespace sheaf::server
