// Speculative pulls against plain ones: what a worker waits for the rows of its step, and the bytes
// that come before and while it waits. A server with one shard in a process of its own, over tcp
// loopback; workers are threads of this one, in step, each with the client of a real worker. What a
// model would compute is a sleep, as on a GPU or on cores that are not the server's.
//
// 26 ids per row, each of Zipf's distribution (1.05) over 10 million of its own; rows of dim 16,
// Adagrad; 2,048 rows per worker.
//   --rounds N  turns of each way; default 5
#include <fmt/format.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "bench/gate.h"
#include "bench/pulls/one_shard.h"
#include "common/random.h"
#include "worker/synthetic/zipf.h"

namespace cairn {
namespace {

constexpr uint64_t kCardinality = 10'000'000;
constexpr size_t kBatches = 64;  // of a worker, over and over
constexpr size_t kWarm = 128, kSteps = 128;

using Clock = std::chrono::steady_clock;
using Keys = std::vector<std::vector<Key>>;  // of the one table

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<Keys> batches_of(uint32_t worker) {
  RandomStream random(7, worker);
  const synthetic::ZipfSampler zipf(kCardinality, kExponent);
  std::vector<Keys> batches(kBatches, Keys(1));
  for (Keys& batch : batches) {
    for (size_t row = 0; row < kRowsOfBatch; ++row)
      for (size_t id = 0; id < kIds; ++id)
        batch[0].push_back(key_of(id, kCardinality, zipf(random)));
    std::ranges::sort(batch[0]);
    const auto repeated = std::ranges::unique(batch[0]);
    batch[0].erase(repeated.begin(), repeated.end());
  }
  return batches;
}

struct Turn {
  double samples_per_second = 0;
  double wait_ms = 0;  // of the first worker, for rows, a step
  // A step, of all workers. With speculative pulls keys are asked for twice.
  double keys = 0, unchanged = 0;
};

class Workers {
 public:
  explicit Workers(uint32_t workers) : server_(workers), context_(1), arrive_(workers) {
    for (uint32_t w = 0; w < workers; ++w) {
      workers_.push_back({must(client::PsClient::connect(server_.client_options(w), context_,
                                                         metrics_.worker(w, {}))),
                          batches_of(w)});
    }
  }

  Turn run(size_t steps, bool early, std::chrono::milliseconds compute) {
    const auto [rows, unchanged] = counted();
    std::vector<double> waits(workers_.size());
    const Clock::time_point start = Clock::now();
    {
      std::vector<std::jthread> threads;
      for (uint32_t w = 0; w < workers_.size(); ++w)
        threads.emplace_back([&, w] { waits[w] = train(workers_[w], steps, early, compute); });
    }
    const double seconds = seconds_since(start);
    step_ += steps;
    const auto count = static_cast<double>(steps);
    const auto [rows_now, unchanged_now] = counted();
    return {static_cast<double>(workers_.size() * kRowsOfBatch) * count / seconds,
            1e3 * waits[0] / count, (rows_now - rows) / count, (unchanged_now - unchanged) / count};
  }

 private:
  struct Worker {
    std::unique_ptr<client::PsClient> client;
    std::vector<Keys> batches;
    std::vector<std::vector<float>> rows = std::vector<std::vector<float>>(1);
  };

  std::pair<double, double> counted() {
    const auto stats = nlohmann::json::parse(must(workers_[0].client->stats())[0]);
    return {stats["pull_rows"].get<double>(), stats["pull_rows_unchanged"].get<double>()};
  }

  // Seconds of waiting for rows.
  double train(Worker& worker, size_t steps, bool early, std::chrono::milliseconds compute) {
    client::PsClient& client = *worker.client;
    const auto batch = [&](uint64_t step) -> const Keys& {
      return worker.batches[step % kBatches];
    };
    const auto pull = [&](uint64_t step) {
      return must(client.start_pull(step, batch(step), early ? uint32_t{kPullSpeculative} : 0));
    };
    double waited = 0;
    client::PsClient::PullId next = pull(step_ + 1);
    for (uint64_t step = step_ + 1; step <= step_ + steps; ++step) {
      const client::PsClient::PullId current =
          next;  // pulls of the next step go when the trainer's do
      const bool last = step == step_ + steps;
      if (!early && !last) next = pull(step + 1);
      const Clock::time_point start = Clock::now();
      const client::ShardSplit split = must(client.finish_pull(current, worker.rows));
      waited += seconds_since(start);
      if (early && !last) next = pull(step + 1);
      std::this_thread::sleep_for(compute);
      // Any gradients do: the rows are.
      must(client.push(step, batch(step), split, worker.rows));
      arrive_.arrive_and_wait();  // dense gradients would be summed here
    }
    must(client.wait_pushes());
    return waited;
  }

  ServerProcess server_;  // first: made before there are threads
  zmq::context_t context_;
  Metrics metrics_{"bench"};
  std::barrier<> arrive_;
  std::vector<Worker> workers_;
  uint64_t step_ = 0;
};

void measure(uint32_t count, std::chrono::milliseconds compute, size_t rounds) {
  Workers workers(count);
  workers.run(kWarm, false, std::chrono::milliseconds(0));
  std::vector<double> rates[2], waits[2];
  Turn last[2];
  for (size_t round = 0; round < rounds; ++round) {
    for (const bool early : {false, true}) {
      last[early] = workers.run(kSteps, early, compute);
      rates[early].push_back(last[early].samples_per_second);
      waits[early].push_back(last[early].wait_ms);
    }
  }
  fmt::print("{} workers, {} ms of compute:\n", count, compute.count());
  for (const bool early : {false, true}) {
    fmt::print("  {:<6} samples/s {}, waits for rows {} ms per step\n",
               early ? "early:" : "plain:", spread(rates[early], 0), spread(waits[early], 2));
    std::ranges::sort(rates[early]);
    figure(fmt::format("{} workers, {} ms of compute, {}", count, compute.count(),
                       early ? "speculative" : "plain"),
           rates[early][rounds / 2], "samples/s");
  }
  const double row_bytes = kDim * sizeof(float), rows = last[0].keys;
  fmt::print(
      "  a step of all workers: {:.0f} rows, {:.2f} MB; early {:.2f} MB before the step's turn and "
      "{:.2f} MB ({:.0f}%) in it, with {:.2f} MB more of keys asked for\n",
      rows, rows * row_bytes / 1e6, (last[1].keys - rows) * row_bytes / 1e6,
      ((rows - last[1].unchanged) * row_bytes + rows / 8) / 1e6,
      100 * ((rows - last[1].unchanged) * row_bytes + rows / 8) / (rows * row_bytes),
      (last[1].keys - rows) * sizeof(Key) / 1e6);
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  const size_t rounds = rounds_wanted(argc, argv, 5);
  if (rounds == 0) return 0;
  for (const uint32_t workers : {1u, 2u})
    for (const int compute : {0, 10, 40})
      measure(workers, std::chrono::milliseconds(compute), rounds);
  return 0;
}

}  // namespace
}  // namespace cairn

int main(int argc, char** argv) { return cairn::run(argc, argv); }
