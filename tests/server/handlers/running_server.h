// A whole server in this process, with a store of its own in a folder of its
// own, for tests that call it as clients do.
#pragma once

#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/log/log.h"
#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/process/server.h"
#include "spdlog/sinks/base_sink.h"
#include "spdlog/spdlog.h"
#include "tests/base/temp_folder.h"
#include "tests/server/handlers/reasons.h"

namespace sheaf::server {

// Keeps the lines of the log. Any thread.
class LogLines final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // The lines so far that have `text` in them.
  std::vector<std::string> With(const std::string& text) {
    std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    for (const std::string& line : lines_) {
      if (line.find(text) != std::string::npos) found.push_back(line);
    }
    return found;
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    lines_.emplace_back(line.data(), line.size());
  }
  void flush_() override {}

  std::vector<std::string> lines_;
};

class RunningServer : public ::testing::Test {
 protected:
  RunningServer() : logger_before_(spdlog::default_logger()) {
    config_.data_dir = directory_ + "/data";
    config_.backup_dir = directory_ + "/backups";
    config_.ballast_bytes = 0;
    config_.listen = {"127.0.0.1:0"};
    config_.reflection = false;
  }
  ~RunningServer() override {
    channel_.reset();
    server_.reset();
    spdlog::set_default_logger(logger_before_);
  }

  // Set what matters in `config_` first.
  void Start(spdlog::level::level_enum level = spdlog::level::info) {
    SetUpLogging({.level = level, .sink = log_});
    auto server = Server::Start(config_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(server_->addresses()[0],
                                   grpc::InsecureChannelCredentials());
  }

  // Calls `method` of the service's stub; `response` is left as it came.
  template <class Service, class Method, class Request, class Response>
  grpc::Status Call(Method method, const Request& request, Response* response) {
    const auto stub = Service::NewStub(channel_);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(30));
    return (stub.get()->*method)(&context, request, response);
  }

  ServerConfig config_;
  const TempFolder temp_;
  const std::string directory_ = temp_.path();
  std::shared_ptr<LogLines> log_ = std::make_shared<LogLines>();
  std::shared_ptr<spdlog::logger> logger_before_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace sheaf::server
