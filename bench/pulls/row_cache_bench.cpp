// Measures what the row cache saves evaluations and predictions: batches of fresh rows are pulled
// with caches of several sizes and without one, and put where a model on this host would read them;
// the model itself computes nothing. A server with one shard in a process of its own, over tcp
// loopback; one worker, with one pull ahead as inference has it.
//
// 26 ids per row, each of Zipf's distribution (1.05) over 400,000 of its own, all of which have
// rows; dim 16, Adagrad; 2,048 rows per batch.
//   --rounds N  turns of each way; default 5
#include <algorithm>
#include <chrono>
#include <optional>

#include "bench/gate.h"
#include "bench/pulls/one_shard.h"
#include "common/random.h"
#include "worker/evaluation/row_cache.h"
#include "worker/features/dedup.h"
#include "worker/synthetic/zipf.h"

namespace cairn {
namespace {

constexpr uint64_t kCardinality = 400'000;
constexpr uint64_t kRows = kIds * kCardinality;
constexpr size_t kWarm = 96, kMeasured = 96;  // batches, all different

std::vector<features::Batch> some_batches() {
  RandomStream random(7, 0);
  const synthetic::ZipfSampler zipf(kCardinality, kExponent);
  std::vector<features::Batch> batches(kWarm + kMeasured);
  features::Deduplicator deduplicator;
  for (features::Batch& batch : batches) {
    batch.samples = kRowsOfBatch;
    batch.keys.resize(1);
    batch.bags.resize(kIds);
    deduplicator.begin(kIds * kRowsOfBatch);
    std::vector<Key> keys(kRowsOfBatch);
    for (size_t id = 0; id < kIds; ++id) {
      for (Key& key : keys) key = key_of(id, kCardinality, zipf(random));
      batch.bags[id].index.resize(kRowsOfBatch);
      deduplicator.add(keys, batch.bags[id].index);
    }
    deduplicator.finish(batch.keys[0]);
    for (features::Bag& bag : batch.bags) deduplicator.rank(bag.index);
  }
  return batches;
}

// A row for every key; returns the last step.
uint64_t train_all_keys(client::PsClient& client) {
  constexpr uint64_t kKeysPerStep = 65'536;
  std::vector<Key> all;
  for (size_t id = 0; id < kIds; ++id)
    for (uint64_t value = 0; value < kCardinality; ++value)
      all.push_back(key_of(id, kCardinality, value));
  std::vector<std::vector<Key>> keys(1);
  std::vector<std::vector<float>> rows(1);
  uint64_t step = 0;
  for (size_t at = 0; at < all.size(); at += kKeysPerStep) {
    keys[0].assign(all.begin() + static_cast<ptrdiff_t>(at),
                   all.begin() + static_cast<ptrdiff_t>(std::min(at + kKeysPerStep, all.size())));
    std::ranges::sort(keys[0]);
    const auto pull = must(client.start_pull(++step, keys, 0));
    const client::ShardSplit split = must(client.finish_pull(pull, rows));
    must(client.push(step, keys, split, rows));  // any gradients do
  }
  must(client.wait_pushes());
  return step;
}

struct Turn {
  double samples_per_second = 0;
  double found = 0;  // of the unique rows of batches
};

// As run_inference does it. Without a cache: from where the client put them.
Turn infer(client::PsClient& client, uint64_t step, std::vector<features::Batch> batches,
           evaluation::RowCache* cache) {
  struct Ahead {
    evaluation::RowCache::Wanted wanted;
    client::PsClient::PullId pull = 0;
  };
  const auto ask = [&](features::Batch& batch) {
    Ahead ahead;
    if (cache != nullptr) ahead.wanted = cache->want(batch, step);
    ahead.pull = must(client.start_pull(step + 1, batch.keys, kPullReadOnly, ahead.wanted.known));
    return ahead;
  };
  std::vector<std::vector<float>> rows(1);
  std::vector<std::vector<uint8_t>> kept;
  std::chrono::steady_clock::time_point start;
  double unique = 0, found = 0;
  std::vector<double> uniques;
  for (const features::Batch& batch : batches)
    uniques.push_back(static_cast<double>(batch.keys[0].size()));
  Ahead current = ask(batches[0]);
  for (size_t i = 0; i < batches.size(); ++i) {
    if (i == kWarm) start = std::chrono::steady_clock::now();
    std::optional<Ahead> next;
    if (i + 1 < batches.size()) next = ask(batches[i + 1]);
    must(client.finish_pull(current.pull, rows, &kept));
    if (cache != nullptr) cache->take(current.wanted, rows, kept);
    if (i >= kWarm) {
      unique += uniques[i];
      found += static_cast<double>(current.wanted.found);
    }
    if (next) current = std::move(*next);
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {static_cast<double>(kMeasured * kRowsOfBatch) / seconds, found / unique};
}

int run(int argc, char** argv) {
  const size_t rounds = rounds_wanted(argc, argv, 5);
  if (rounds == 0) return 0;
  const ServerProcess server(1);
  zmq::context_t context(1);
  Metrics metrics("bench");
  const auto client =
      must(client::PsClient::connect(server.client_options(0), context, metrics.worker(0, {})));
  const uint64_t step = train_all_keys(*client);
  const std::vector<features::Batch> batches = some_batches();

  constexpr double kNoCache = -1.0;
  const std::vector<double> shares = {kNoCache, 0.0, 0.01, 0.05, 0.2, 1.1};
  std::vector<std::vector<double>> rates(shares.size());
  std::vector<Turn> last(shares.size());
  for (size_t round = 0; round < rounds; ++round)
    for (size_t way = 0; way < shares.size(); ++way) {
      std::optional<evaluation::RowCache> cache;
      if (shares[way] != kNoCache)
        cache.emplace(math::cpu_ops(), std::vector<uint32_t>{kDim}, std::vector<uint32_t>(kIds, 0),
                      static_cast<uint64_t>(
                          shares[way] * static_cast<double>(kRows) *
                          (kDim * sizeof(float) + evaluation::RowDirectory::kBytesOfAPlace)));
      last[way] = infer(*client, step, batches, cache ? &*cache : nullptr);
      rates[way].push_back(last[way].samples_per_second);
    }
  fmt::print("{} rows, {:.0f} unique ones a batch of {} samples\n", kRows,
             static_cast<double>(batches[0].keys[0].size()), kRowsOfBatch);
  for (size_t way = 0; way < shares.size(); ++way) {
    const std::string what = shares[way] == kNoCache
                                 ? std::string("no cache")
                                 : fmt::format("cache of {:.0f}%", 100 * shares[way]);
    std::vector<double> ratios;
    for (size_t round = 0; round < rounds; ++round)
      ratios.push_back(rates[way][round] / rates[0][round]);
    fmt::print("  {:<14} samples/s {}, of no cache {}, rows found {:.0f}%\n", what,
               spread(rates[way], 0), spread(ratios, 2), 100 * last[way].found);
    std::ranges::sort(rates[way]);
    figure(what, rates[way][rounds / 2], "samples/s");
  }
  return 0;
}

}  // namespace
}  // namespace cairn

int main(int argc, char** argv) { return cairn::run(argc, argv); }
