// Write-back of dirty rows, from a hot tier into a new store, against SstFileWriter and ingest of
// the same rows, sorted beforehand.
#include "bench/shard/bare_store.h"
#include "bench/shard/cases.h"
#include "bench/shard/driver.h"

namespace cairn {

void bench_write_back(const CaseOptions& options) {
  constexpr uint64_t kRows = 4'000'000;
  constexpr int kRounds = 3;
  const std::vector<BareStore::Run> runs = flush_files(kRows);
  const Compared compared = compare(
      "write-back of dirty rows", kRounds,
      [&] {
        ShardDriver shard({.folder = options.folder / "write-back"});
        fill(shard, kRows);
        const double start = seconds_now();
        shard.start_checkpoint(options.folder / "write-back" / "checkpoint");
        while (shard.checkpoint_open()) shard.turn(true);
        return static_cast<double>(kRows) / (seconds_now() - start);
      },
      [&] {
        BareStore store(options.folder / "bare-write-back");
        const double start = seconds_now();
        for (const BareStore::Run& run : runs) store.ingest(run);
        return static_cast<double>(kRows) / (seconds_now() - start);
      });
  report("shard_write_back_of_bare", compared.ratio);
}

}  // namespace cairn
