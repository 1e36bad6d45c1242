// Server: the handlers and the observers of commits, each with the parts that
// it works with.
#include <algorithm>

#include "server/config/config_keys.h"
#include "server/handlers/artifacts_handler.h"
#include "server/handlers/batching_handler.h"
#include "server/handlers/queues_handler.h"
#include "server/process/server.h"

namespace sheaf::server {
namespace {

constexpr int64_t kPageBytesMax = 8 << 20;  // of one answer that is a list

}  // namespace

// Two pages fit into the largest message.
int64_t Server::PageBytesMax() const {
  return std::min<int64_t>(kPageBytesMax, config_.max_message_bytes / 2);
}

JobsHandler::Parts Server::PartsOfJobs() {
  return {.intake = intake_.get(),
          .workers = &workers_,
          .events = events_.get(),
          .timer = &timer_,
          .reader = job_reader_.get()};
}

WorkerHandler::Parts Server::PartsOfWorkers() {
  return {.sessions = worker_sessions_.get(),
          .offers = batch_offers_.get(),
          .reports = worker_reports_.get(),
          .prices = prices_.get(),
          .files = artifacts_.get(),
          .checkpoints = checkpoints_.get(),
          .saves = &saves_,
          .downloads = &downloads_};
}

AdminHandler::Parts Server::PartsOfAdmin() {
  AdminHandler::Parts parts{.store = store_.get(),
                            .workers = &workers_,
                            .prices = prices_.get(),
                            .learned = learned_.get(),
                            .orders = worker_orders_.get(),
                            .backups = backups_.get(),
                            .facts = facts_.get(),
                            .stats = stats_reader_.get(),
                            .page_bytes_max = PageBytesMax(),
                            .start_time = start_time_};
  for (const ConfigKey& key : ConfigKeys()) {
    parts.config.emplace_back(key.name, ShowKeyToAll(key, config_));
  }
  parts.accept_clock = [this] { return clock_->Accept(); };
  parts.reads_work = [this] {
    return !vital_signs_ || vital_signs_->ReadsWork();
  };
  return parts;
}

// The use cases that handlers call and that need parts of the server.
void Server::MakeUseCases() {
  const auto now = [this] { return clock_->Now(); };
  job_reader_ = std::make_unique<JobReader>(
      JobReader::Parts{.progress = &progress_,
                       .previews = &previews_,
                       .throughput = &throughput_,
                       .now = now,
                       .page_bytes_max = PageBytesMax()});
  worker_orders_ =
      std::make_unique<WorkerOrders>(&workers_, lease_waiters_.get());
  backups_ = std::make_unique<Backups>(
      store_.get(), Backups::Options{.directory = config_.backup_dir,
                                     .kept_max = config_.backups_max,
                                     .now = now});
  facts_ = std::make_unique<ServerFacts>(
      store_.get(), backups_.get(),
      ServerFacts::Options{.data_directory = config_.data_dir,
                           .start_time = start_time_,
                           .lease_duration = config_.lease_duration,
                           .now = now,
                           .problems = [this] { return Problems(); },
                           .notes = [this] { return Notes(); }});
  stats_reader_ = std::make_unique<StatsReader>(
      StatsReader::Parts{.stats = &stats_,
                         .workers = &workers_,
                         .prices = prices_.get(),
                         .learned = learned_.get(),
                         .planner = planner_.get(),
                         .now = now});
}

// Makes the use cases that workers call.
void Server::MakeUseCasesOfWorkers() {
  const auto now = [this] { return clock_->Now(); };
  worker_sessions_ = std::make_unique<WorkerSessions>(
      WorkerSessions::Parts{.store = store_.get(),
                            .timer = &timer_,
                            .workers = &workers_,
                            .lease_waiters = lease_waiters_.get(),
                            .prices = prices_.get(),
                            .stats = &stats_,
                            .now = now,
                            .is_closing = [this] { return stopping_.load(); },
                            .lease_duration = config_.lease_duration,
                            .heartbeat_interval = config_.heartbeat_interval,
                            .grace = config_.worker_grace});
  batch_offers_ = std::make_unique<BatchOffers>(
      BatchOffers::Parts{.store = store_.get(),
                         .workers = &workers_,
                         .lease_waiters = lease_waiters_.get(),
                         .planner = planner_.get(),
                         .under_way = under_way_.get(),
                         .checkpoints = checkpoints_.get(),
                         .now = now,
                         .preview_steps = config_.preview_steps,
                         .checkpoint_steps = config_.checkpoint_steps});
  worker_reports_ = std::make_unique<WorkerReports>(
      WorkerReports::Parts{.workers = &workers_,
                           .planner = planner_.get(),
                           .under_way = under_way_.get(),
                           .progress = &progress_,
                           .previews = &previews_,
                           .events = events_.get(),
                           .now = now,
                           .lease_duration = config_.lease_duration});
}

Observing Server::PartsOfObservers() {
  return {.store = store_.get(),
          .stats = &stats_,
          .progress = &progress_,
          .previews = &previews_,
          .throughput = &throughput_,
          .under_way = under_way_.get(),
          .workers = &workers_,
          .prices = prices_.get(),
          .memory = &memory_,
          .checkpoints = checkpoints_.get(),
          .files = artifacts_.get(),
          .events = events_.get(),
          .arrivals = &arrivals_,
          .auto_planner = auto_planner_.get(),
          .lease_waiters = lease_waiters_.get(),
          .owners_are_limited = config_.owner_running_max > 0};
}

void Server::MakeHandlers() {
  MakeUseCases();
  MakeUseCasesOfWorkers();
  const Calls calls(&door_, store_.get());
  handlers_.push_back(std::make_unique<JobsHandler>(calls, PartsOfJobs()));
  handlers_.push_back(std::make_unique<QueuesHandler>(calls, &workers_));
  handlers_.push_back(std::make_unique<WorkerHandler>(calls, PartsOfWorkers()));
  handlers_.push_back(std::make_unique<ArtifactsHandler>(
      calls, artifacts_.get(), &uploads_, &downloads_));
  handlers_.push_back(std::make_unique<BatchingHandler>(
      calls, plan_service_.get(), prices_.get(), &memory_, learned_.get(),
      &workers_, PageBytesMax()));
  handlers_.push_back(std::make_unique<AdminHandler>(calls, PartsOfAdmin()));
}

}  // namespace sheaf::server
