// A table ten times as large as the memory for it, keys by Zipf's law with exponent 1.05: how fast
// rows that are not in memory come, against RocksDB's MultiGet alone (files in the page cache) and
// against what the disk reads (dropped from it), and what pulls that need none of them wait.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "bench/shard/bare_store.h"
#include "bench/shard/cases.h"
#include "bench/shard/driver.h"
#include "common/check.h"
#include "common/random.h"

namespace cairn {

namespace {

constexpr uint64_t kRows = 10'000'000;
constexpr uint64_t kRowsOnDisk = 2'000'000;  // of the case that reads from the disk
constexpr uint64_t kRowBytes = 172;          // in memory, about
constexpr double kExponent = 1.05;
constexpr size_t kMessagesPerRound = 8;
constexpr uint64_t kPage = 4096;

// Unique, ascending keys of one message after the other.
class ZipfKeys {
 public:
  explicit ZipfKeys(uint64_t rows) : rows_(static_cast<double>(rows)) {}

  std::vector<Key> next() {
    std::vector<Key> keys;
    while (keys.size() < kBenchKeys) {
      while (keys.size() < kBenchKeys) keys.push_back(bench_key(rank()));
      std::ranges::sort(keys);
      keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    }
    return keys;
  }

 private:
  // The inverse of the continuous distribution, rounded down: rank r with about 1 / r^kExponent.
  uint64_t rank() {
    constexpr double kPower = 1 - kExponent;
    const double uniform = static_cast<double>(random_.next_u64() >> 11) * 0x1p-53;
    const double most = std::pow(rows_, kPower);
    const double rank = std::pow(1 + uniform * (most - 1), 1 / kPower);
    return static_cast<uint64_t>(std::min(rank, rows_)) - 1;
  }
  const double rows_;
  RandomStream random_{7, 1};
};

// Rows a second on so many threads, which take the reads in turn.
double multi_get(const BareStore& store, const std::vector<std::vector<ps::StoredKey>>& reads,
                 uint32_t threads) {
  const double start = seconds_now();
  std::atomic<size_t> next = 0, found = 0;
  {
    std::vector<std::jthread> readers;
    for (uint32_t t = 0; t < threads; ++t)
      readers.emplace_back([&] {
        for (size_t i; (i = next++) < reads.size();) found += store.read(reads[i]);
      });
  }
  const double seconds = seconds_now() - start;
  size_t keys = 0;
  for (const auto& read : reads) keys += read.size();
  check(found == keys, "the yardstick has every row");
  return static_cast<double>(keys) / seconds;
}

std::vector<std::filesystem::path> table_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".sst") files.push_back(entry.path());
  return files;
}

// Keeps the tables of a folder in the page cache; some hosts reclaim what was not read for seconds.
class HeldInMemory {
 public:
  explicit HeldInMemory(const std::filesystem::path& folder) {
    for (const std::filesystem::path& path : table_files(folder)) {
      const int file = ::open(path.c_str(), O_RDONLY);
      const size_t bytes = std::filesystem::file_size(path);
      void* const data = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file, 0);
      ::close(file);
      if (data == MAP_FAILED || ::mlock(data, bytes) != 0)
        fmt::print("{} is not held in memory, which misses may wait for\n", path.string());
      if (data != MAP_FAILED) held_.emplace_back(data, bytes);
    }
  }
  ~HeldInMemory() {
    for (const auto& [data, bytes] : held_) ::munmap(data, bytes);
  }

 private:
  std::vector<std::pair<void*, size_t>> held_;
};

void drop_from_page_cache(const std::filesystem::path& folder) {
  for (const std::filesystem::path& path : table_files(folder)) {
    const int file = ::open(path.c_str(), O_RDONLY);
    if (file < 0) continue;  // compacted away
    ::fdatasync(file);
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    ::close(file);
  }
}

// Reads of random pages per second, so many at a time, past the page cache.
double disk_rate(const std::filesystem::path& folder, uint32_t depth) {
  constexpr int kReadsEach = 200;
  std::vector<int> files;
  for (const std::filesystem::path& path : table_files(folder))
    if (std::filesystem::file_size(path) > kPage)
      files.push_back(::open(path.c_str(), O_RDONLY | O_DIRECT));
  const double start = seconds_now();
  {
    std::vector<std::jthread> readers;
    for (uint32_t t = 0; t < depth; ++t)
      readers.emplace_back([&, t] {
        RandomStream random(7, t);
        const ps::Pages page(kPage, /*huge=*/false);
        for (int i = 0; i < kReadsEach; ++i) {
          const int file = files[random.next_u64() % files.size()];
          const auto pages = static_cast<uint64_t>(::lseek(file, 0, SEEK_END)) / kPage;
          const auto at = static_cast<off_t>(random.next_u64() % pages * kPage);
          check(::pread(file, page.data(), kPage, at) == static_cast<ssize_t>(kPage),
                "reading a page");
        }
      });
  }
  const double seconds = seconds_now() - start;
  for (const int file : files) ::close(file);
  return depth * kReadsEach / seconds;
}

// A shard and the keys that it reads from its store.
class ColdShard {
 public:
  ColdShard(const std::filesystem::path& folder, uint32_t read_threads, uint64_t rows)
      : folder_(folder),
        driver_({.folder = folder,
                 .hot_bytes = rows * kRowBytes / 10,
                 .read_threads = read_threads,
                 .rows_stored = rows,
                 .on_read =
                     [this](std::span<const ps::RowKey> keys) {
                       reads_.emplace_back();
                       for (const ps::RowKey& key : keys)
                         reads_.back().push_back(ps::encode_key(key));
                     }}),
        zipf_(rows) {
    // Until the tier is full.
    for (uint64_t read = 0; read < rows / 8; reads_.clear()) {
      pull(zipf_.next());
      for (const auto& keys : reads_) read += keys.size();
    }
  }

  // A training step without gradients. `meanwhile` runs until the rows are there.
  template <typename Meanwhile>
  void pull(const std::vector<Key>& keys, Meanwhile meanwhile) {
    const uint64_t open = driver_.pulls_open();
    driver_.pull(keys);
    while (driver_.pulls_open() > open) meanwhile();
    driver_.push({}, nullptr);
    driver_.turn(false);
  }
  void pull(const std::vector<Key>& keys) {
    pull(keys, [&] { driver_.turn(true); });
  }

  // Rows a second that come from the store, over a round of training steps without gradients, of
  // which the next one is asked for `ahead` as workers do it (train.prefetch).
  double miss_rate(bool ahead = true) {
    reads_.clear();
    std::vector<std::vector<Key>> messages;
    for (size_t i = 0; i < kMessagesPerRound; ++i) messages.push_back(zipf_.next());
    const double start = seconds_now();
    for (size_t i = 0; i < messages.size(); ++i) {
      if (i == 0 || !ahead) driver_.pull(messages[i]);
      const bool next = ahead && i + 1 < messages.size();
      if (next) driver_.pull(messages[i + 1], 0, 1);
      while (driver_.pulls_open() > (next ? 1 : 0)) driver_.turn(true);
      driver_.push({}, nullptr);
      driver_.turn(false);
    }
    const double seconds = seconds_now() - start;
    size_t missed = 0;
    for (const auto& read : reads_) missed += read.size();
    return static_cast<double>(missed) / seconds;
  }

  const std::vector<std::vector<ps::StoredKey>>& reads() const { return reads_; }
  const std::filesystem::path& folder() const { return folder_; }
  ShardDriver& driver() { return driver_; }
  ZipfKeys& zipf() { return zipf_; }

 private:
  const std::filesystem::path folder_;
  std::vector<std::vector<ps::StoredKey>> reads_;  // of the last round
  ShardDriver driver_;
  ZipfKeys zipf_;
};

double p99(std::vector<double> seconds) {
  std::ranges::sort(seconds);
  return seconds[seconds.size() * 99 / 100];
}

// p99 of pulls of rows that are in memory while others wait for the store, over that of the same
// pulls alone. Each is taken to have come while the shard began a slice of its other work.
double hit_latency_ratio(ColdShard& shard) {
  constexpr size_t kPulls = 4000;
  std::vector<Key> hot;
  for (uint64_t i = 0; i < 2048; ++i) hot.push_back(bench_key(i));
  std::ranges::sort(hot);
  std::vector<double> alone, beside;
  const auto pull_hot = [&](std::vector<double>& seconds) {
    const double came = seconds_now();
    const uint64_t open = shard.driver().pulls_open();
    shard.driver().turn(false);
    shard.driver().pull(hot, kPullSpeculative | kPullReadOnly);
    if (shard.driver().pulls_open() > open) return;  // some were not in memory: not such a pull
    seconds.push_back(seconds_now() - came);
  };
  for (size_t i = 0; i < kPulls; ++i) pull_hot(alone);
  while (beside.size() < kPulls) shard.pull(shard.zipf().next(), [&] { pull_hot(beside); });
  fmt::print("pulls of 2,048 rows in memory: p99 {:.2f} ms, beside misses {:.2f} ms\n",
             p99(alone) * 1e3, p99(beside) * 1e3);
  return p99(beside) / p99(alone);
}

}  // namespace

void bench_cold(const CaseOptions& options) {
  constexpr uint32_t kThreads = 2;
  constexpr int kRounds = 9;
  BareStore bare(options.folder / "bare-cold");
  for (const BareStore::Run& run : flush_files(kRows)) bare.ingest(run);
  {
    ColdShard shard(options.folder / "cold", kThreads, kRows);
    const HeldInMemory both(options.folder);
    double ours = 0;
    const Compared cached = compare(
        "misses, page cache, against MultiGet", kRounds, [&] { return ours; },
        [&] {
          ours = shard.miss_rate();  // first, as it tells which keys
          return multi_get(bare, shard.reads(), kThreads);
        });
    report("shard_misses_of_multiget", cached.ratio);
    compare(
        "the same, none asked for ahead", kRounds, [&] { return ours; },
        [&] {
          ours = shard.miss_rate(/*ahead=*/false);
          return multi_get(bare, shard.reads(), kThreads);
        });
    report("shard_hit_p99_beside_misses_of_alone", hit_latency_ratio(shard));
    if (options.long_run) {
      const double start = seconds_now();
      double slowest = cached.ours;
      for (double next = start; seconds_now() - start < 600;) {
        const double rate = shard.miss_rate();
        slowest = std::min(slowest, rate);
        if (seconds_now() < next) continue;
        next += 60;
        fmt::print("misses after {:.0f} s: {:.3f} M rows/s\n", seconds_now() - start, rate / 1e6);
      }
      report("shard_misses_slowest_of_median", slowest / cached.ours);
    }
  }
  // As many reads at a time as the disk is given.
  constexpr uint32_t kDepth = 64;
  ColdShard shard(options.folder / "cold-disk", kDepth, kRowsOnDisk);
  const Compared direct = compare(
      "misses, from the disk, against its reads of pages", 3,
      [&] {
        drop_from_page_cache(shard.folder());
        return shard.miss_rate();
      },
      [&] { return disk_rate(shard.folder(), kDepth); });
  report("shard_misses_of_disk", direct.ratio);
}

}  // namespace cairn
