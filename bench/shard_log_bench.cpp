// The push log beside what its disk takes: pushes of 16,384 keys of dim 16 (1.2 MB), eight under
// way as a client's window allows, against bare writes of as many bytes each into a preallocated
// file, by direct I/O, without and with fdatasync. One iteration writes 1 GiB; the ways take turns,
// so that a disk that slows down slows all of them. `recycled`: the log was cut before, and
// overwrites.
//
// run: shard_log_bench [--benchmark_...]; TMPDIR chooses the disk
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <semaphore>
#include <vector>

#include "bench/gate.h"
#include "common/check.h"
#include "common/random.h"
#include "ps/log/file_push_log.h"
#include "ps/system/pages.h"

namespace cairn {
namespace {

constexpr uint32_t kKeys = 16'384, kDim = 16;
constexpr uint64_t kRecordBytes = 4096 + uint64_t{kKeys} * (8 + 4 * kDim);  // in the file, about
constexpr uint64_t kRecords = (uint64_t{1} << 30) / kRecordBytes;
constexpr int kWindow = 8;

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::filesystem::path fresh_folder() {
  const auto folder =
      std::filesystem::temp_directory_path() / fmt::format("cairn-log-bench-{}", ::getpid());
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

// Bytes a second, the median a way.
std::map<std::string, std::vector<double>> rates;
double median(const std::string& way) {
  std::vector<double> all = rates[way];
  if (all.empty()) return 0;
  std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2),
                   all.end());
  return all[all.size() / 2];
}

void record(benchmark::State& state, const std::string& way, double seconds) {
  state.SetIterationTime(seconds);
  rates[way].push_back(static_cast<double>(kRecords * kRecordBytes) / seconds);
}

void bare_writes(benchmark::State& state, bool sync) {
  const auto folder = fresh_folder();
  const ps::Pages memory(kRecordBytes, true);
  std::memset(memory.data(), 1, kRecordBytes);
  for (auto _ : state) {
    const int fd = ::open((folder / "bare").c_str(), O_CREAT | O_RDWR | O_TRUNC | O_DIRECT, 0600);
    check(fd >= 0 && ::fallocate(fd, 0, 0, kRecords * kRecordBytes) == 0,
          "a file for the yardstick");
    const auto start = Clock::now();
    for (uint64_t i = 0; i < kRecords; ++i) {
      check(::pwrite(fd, memory.data(), kRecordBytes, static_cast<off_t>(i * kRecordBytes)) ==
                static_cast<ssize_t>(kRecordBytes),
            "writing the yardstick");
      if (sync) check(::fdatasync(fd) == 0, "syncing the yardstick");
    }
    record(state, sync ? "bare, synced" : "bare", seconds_since(start));
    ::close(fd);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kRecords * kRecordBytes));
  std::filesystem::remove_all(folder);
}

std::shared_ptr<const Message> random_push(RandomStream& random) {
  auto push = std::make_shared<Message>();
  push->header.op = Op::kPush;
  push->header.tables = 1;
  push->directory.push_back({.count = kKeys, .dim = kDim});
  push->keys.rebuild(kKeys * sizeof(Key));
  push->values.rebuild(kKeys * kDim * sizeof(float));
  for (zmq::message_t* part : {&push->keys, &push->values})
    for (size_t i = 0; i < part->size(); i += 8) {
      const uint64_t bits = random.next_u64();
      std::memcpy(static_cast<char*>(part->data()) + i, &bits, sizeof bits);
    }
  return push;
}

// A log in use: records are appended while at most kWindow of them wait.
class LogUnderLoad {
 public:
  explicit LogUnderLoad(Durability durability) : folder_(fresh_folder()) {
    for (int i = 0; i < kWindow; ++i) pushes_.push_back(random_push(random_));
    log_ = std::move(ps::FilePushLog::open({.folder = folder_ / "log", .durability = durability},
                                           [this](const Result<ps::Lsn>& lsn) {
                                             check(lsn.ok(), lsn.ok() ? "" : lsn.error().message);
                                             window_.release(static_cast<std::ptrdiff_t>(
                                                 lsn.value() - acknowledged_));
                                             acknowledged_ = lsn.value();
                                           })
                         .value());
  }
  ~LogUnderLoad() {
    log_.reset();
    std::filesystem::remove_all(folder_);
  }

  // Seconds until all are acknowledged.
  double write(uint64_t records) {
    const auto start = Clock::now();
    for (uint64_t i = 0; i < records; ++i) {
      window_.acquire();
      ++lsn_;
      log_->append({.lsn = lsn_, .push = pushes_[lsn_ % kWindow]});
    }
    for (int i = 0; i < kWindow; ++i) window_.acquire();
    const double seconds = seconds_since(start);
    window_.release(kWindow);
    return seconds;
  }
  void cut() { log_->cut(lsn_); }

 private:
  const std::filesystem::path folder_;
  RandomStream random_{1, 0};
  std::vector<std::shared_ptr<const Message>> pushes_;
  std::counting_semaphore<> window_{kWindow};
  ps::Lsn lsn_ = 0;
  ps::Lsn acknowledged_ = 0;  // of the writer's thread
  std::unique_ptr<ps::FilePushLog> log_;
};

void push_log(benchmark::State& state, Durability durability, bool recycled) {
  const std::string way =
      fmt::format("log, {}{}", durability == Durability::kMachine ? "machine" : "process",
                  recycled ? ", recycled" : "");
  for (auto _ : state) {
    LogUnderLoad log(durability);
    if (recycled) {
      log.write(kRecords);
      log.cut();
    }
    record(state, way, log.write(kRecords));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kRecords * kRecordBytes));
}

BENCHMARK_CAPTURE(bare_writes, direct, false)->UseManualTime()->Iterations(1)->Repetitions(5);
BENCHMARK_CAPTURE(push_log, process, Durability::kProcess, false)
    ->UseManualTime()
    ->Iterations(1)
    ->Repetitions(5);
BENCHMARK_CAPTURE(push_log, process_recycled, Durability::kProcess, true)
    ->UseManualTime()
    ->Iterations(1)
    ->Repetitions(5);
BENCHMARK_CAPTURE(bare_writes, direct_synced, true)->UseManualTime()->Iterations(1)->Repetitions(5);
BENCHMARK_CAPTURE(push_log, machine, Durability::kMachine, false)
    ->UseManualTime()
    ->Iterations(1)
    ->Repetitions(5);
BENCHMARK_CAPTURE(push_log, machine_recycled, Durability::kMachine, true)
    ->UseManualTime()
    ->Iterations(1)
    ->Repetitions(5);

}  // namespace
}  // namespace cairn

int main(int argc, char** argv) {
  using cairn::median;
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  for (const auto& [way, all] : cairn::rates) {
    cairn::figure(way, median(way) / 1e6, "MB/s");
    fmt::print("{:<24}{:>8.0f} MB/s  ({:.0f} to {:.0f})\n", way, median(way) / 1e6,
               *std::min_element(all.begin(), all.end()) / 1e6,
               *std::max_element(all.begin(), all.end()) / 1e6);
  }
  for (const std::string suffix : {"", ", recycled"}) {
    fmt::print("process{} over bare: {:.2f}\n", suffix,
               median("log, process" + suffix) / median("bare"));
    fmt::print("machine{} over bare, synced: {:.2f}\n", suffix,
               median("log, machine" + suffix) / median("bare, synced"));
  }
}
