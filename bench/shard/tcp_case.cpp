// Pulls and pushes over tcp loopback: one client, one shard in a process of its own, several
// requests under way, against the bare server beside it.
#include <fmt/format.h>

#include <algorithm>

#include "bench/shard/cases.h"
#include "bench/shard/driver.h"
#include "bench/shard/served.h"
#include "bench/shard/wire_client.h"

namespace cairn {

namespace {

constexpr uint64_t kRows = 10'000'000;
constexpr size_t kMessages = 96;
constexpr int kRounds = 9;
constexpr double kSeconds = 0.5;
// Requests under way: as a worker keeps them by default.
constexpr int kPullsOpen = 4, kPushesOpen = 8;
constexpr int kBareOpen = 4;  // more gain it nothing

enum class Kind : uint8_t { kPull, kPush };

// Rows a second with so many requests under way; counts them in `rows`.
double rate(BenchClient& client, const MessagePool& pool, Kind kind, int open, double& rows) {
  size_t sent = 0;
  const auto send = [&] {
    const std::span<const Key> keys = pool.keys(sent++);
    if (kind == Kind::kPull)
      client.pull(keys);
    else
      client.push(keys, pool.gradients());
  };
  const double start = seconds_now();
  for (int i = 0; i < open; ++i) send();
  while (seconds_now() - start < kSeconds) {
    client.receive();
    send();
  }
  for (int i = 0; i < open; ++i) client.receive();
  rows += static_cast<double>(sent * kBenchKeys);
  return static_cast<double>(sent * kBenchKeys) / (seconds_now() - start);
}

// A client and the server that it speaks to.
template <typename Client>
struct Pair {
  Pair(zmq::context_t& context, const ServedOptions& options)
      : server(options), client(context, server.endpoint()) {}
  ServedProcess server;
  Client client;
};

// Prints the processor time that each server takes a million rows besides: the machine's other load
// moves it less than the rates.
template <typename Ours, typename Bare>
double ratio(const std::string& what, const MessagePool& pool, Kind kind, Ours& ours, Bare& bare) {
  double our_rows = 0, bare_rows = 0;
  const double our_cpu = ours.server.cpu_seconds(), bare_cpu = bare.server.cpu_seconds();
  const int open = kind == Kind::kPull ? kPullsOpen : kPushesOpen;
  const Compared compared = compare(
      what, kRounds, [&] { return rate(ours.client, pool, kind, open, our_rows); },
      [&] { return rate(bare.client, pool, kind, kBareOpen, bare_rows); });
  fmt::print("  processor time of the server a million rows: {:.0f} ms, bare {:.0f} ms\n",
             (ours.server.cpu_seconds() - our_cpu) / our_rows * 1e9,
             (bare.server.cpu_seconds() - bare_cpu) / bare_rows * 1e9);
  return compared.ratio;
}

}  // namespace

void bench_tcp(const CaseOptions& options) {
  zmq::context_t context(1);
  const MessagePool pool(kRows, kMessages, /*seed=*/7);
  const auto shard = [&](const std::string& durability) {
    auto its = std::make_unique<Pair<WireClient>>(
        context, ServedOptions{.kind = "shard",
                               .durability = durability,
                               .folder = options.folder / ("tcp-" + durability)});
    fill(its->client, kRows);
    return its;
  };
  const auto bare = [&](const std::string& durability) {
    return std::make_unique<Pair<BareClient>>(
        context, ServedOptions{.kind = "bare",
                               .durability = durability,
                               .rows = kRows,
                               .folder = options.folder / ("tcp-bare-" + durability)});
  };

  const auto memory = bare("checkpoint");
  {
    const auto ours = shard("checkpoint");
    report("shard_tcp_pull_of_bare", ratio("pull over tcp", pool, Kind::kPull, *ours, *memory));
  }
  const auto logged = bare("machine");
  for (const std::string durability : {"process", "machine"}) {
    const auto ours = shard(durability);
    const std::string what = fmt::format("push over tcp, durability: {}, against bare", durability);
    report(fmt::format("shard_tcp_push_{}_of_bare_log", durability),
           ratio(what + " with a synced log", pool, Kind::kPush, *ours, *logged));
    if (durability == "process")
      report("shard_tcp_push_process_of_bare_memory",
             ratio(what + " in memory", pool, Kind::kPush, *ours, *memory));
  }
}

}  // namespace cairn
