#include "launcher/server_rank.h"

#include <fmt/core.h>
#include <unistd.h>

#include "launcher/endpoints.h"
#include "launcher/exit_code.h"
#include "launcher/host.h"

namespace cairn {

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

StartReport ServerRank::start(const ServerOrders& orders) {
  Keeper::Options options;
  options.name = name_of(orders.server, job_.ps.shards_per_server);
  std::error_code error;
  options.command = {std::filesystem::read_symlink("/proc/self/exe", error).string(), "ps",
                     "--keeper", std::to_string(getpid())};
  options.orders = to_line(orders);
  options.log =
      std::filesystem::path(job_.output) / "logs" / fmt::format("server-{}.log", orders.server);
  auto keeper = Keeper::start(std::move(options));
  if (!keeper.ok()) return failure(keeper.error());

  // A large checkpoint takes its time to load.
  const auto line =
      keeper.value()->wait_until_ready(std::chrono::seconds(job_.train.stall_timeout_s));
  if (!line.ok()) return failure(line.error());
  auto report = parse_report(line.value());
  if (!report.ok()) return failure(report.error());
  if (report.value().exit_code != kDone) return report.value();

  for (std::string& endpoint : report.value().endpoints)
    endpoint = reachable(std::move(endpoint), host_name());
  keeper_ = std::move(keeper).value();
  return report.value();
}

StartReport ServerRank::finish() {
  const Status finished = keeper_->finish(kFinishTimeout);
  return finished.ok() ? StartReport{} : failure(finished.error());
}

}  // namespace cairn
