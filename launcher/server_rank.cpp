#include "launcher/server_rank.h"

#include <fmt/core.h>
#include <unistd.h>

#include "launcher/endpoints.h"
#include "launcher/exit_code.h"
#include "launcher/host.h"

namespace cairn::launcher {

namespace {

// Enough for what a server still has to write; only one that hangs takes it all.
constexpr std::chrono::seconds kFinishTimeout{60};

StartReport failure(const Error& error) { return {exit_code_of(error.code), error.message, {}, 0}; }

std::string name_of(uint32_t server, uint32_t shards) {
  const uint32_t first = server * shards;
  return shards == 1
             ? fmt::format("server {} (shard {})", server, first)
             : fmt::format("server {} (shards {} to {})", server, first, first + shards - 1);
}

}  // namespace

StartReport ServerRank::start(const ServerSpec& spec) {
  spec_ = spec;
  StartReport report = spawn();
  // Where another one is to be found that takes its place.
  spec_.recover = true;
  spec_.endpoints = report.endpoints;
  spec_.metrics_port = report.metrics_port;
  for (Endpoint& endpoint : report.endpoints)
    endpoint = reachable(std::move(endpoint), host_name());
  return report;
}

StartReport ServerRank::spawn() {
  Supervisor::Options options;
  options.name = name_of(spec_.server, job_.ps.shards_per_server);
  std::error_code error;
  options.command = {std::filesystem::read_symlink("/proc/self/exe", error).string(), "ps",
                     "--supervisor", std::to_string(getpid())};
  if (spec_.recover) options.command.push_back("--recover");
  options.spec = to_line(spec_);
  options.log =
      std::filesystem::path(job_.output) / "logs" / fmt::format("server-{}.log", spec_.server);
  auto supervisor = Supervisor::start(std::move(options));
  if (!supervisor.ok()) return failure(supervisor.error());

  // A large checkpoint takes its time to load.
  const auto line =
      supervisor.value()->wait_until_ready(std::chrono::seconds(job_.train.stall_timeout_s));
  if (!line.ok()) return failure(line.error());
  auto report = parse_report(line.value());
  if (!report.ok()) return failure(report.error());
  if (report.value().exit_code == kDone) supervisor_ = std::move(supervisor).value();
  return report.value();
}

bool ServerRank::may_respawn() const {
  return respawns_ < job_.ps.max_respawns && job_.ps.durability != Durability::kCheckpoint;
}

Status ServerRank::watch() {
  if (!supervisor_) return Ok{};
  Status status = supervisor_->watch();
  while (!status.ok() && may_respawn()) {
    ++respawns_;
    print_error(fmt::format("{}\n  it is started again, {} of {} times, and recovers",
                            status.error().message, respawns_, job_.ps.max_respawns));
    const StartReport report = spawn();
    if (report.exit_code == kDone) {
      for (const std::string& lost : report.lost) print_error(lost);
      return Ok{};
    }
    status = Error{ErrorCode::kUnavailable, report.message};
  }
  return status;
}

StartReport ServerRank::finish() {
  const Status finished = supervisor_->finish(kFinishTimeout);
  return finished.ok() ? StartReport{} : failure(finished.error());
}

}  // namespace cairn::launcher
