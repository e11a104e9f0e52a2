// The cases of `./dev bench shard`: each one in a source of its own, its goals in one table
// (shard_bench.cpp).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace cairn {

struct CaseOptions {
  bool long_run = false;         // what takes minutes, at full length
  uint64_t rows = 20'000'000;    // that are all in memory
  std::filesystem::path folder;  // for logs and stores; on the disk that is to be measured
};

// Prints the gate line of a goal of the table.
void report(const std::string& goal, double value);

void bench_memory(const CaseOptions& options);
void bench_durable(const CaseOptions& options);
void bench_tcp(const CaseOptions& options);
void bench_write_back(const CaseOptions& options);
void bench_steady(const CaseOptions& options);
void bench_steady_tcp(const CaseOptions& options);
void bench_cold(const CaseOptions& options);
void bench_scaling(const CaseOptions& options);
void bench_online(const CaseOptions& options);

double seconds_now();
// Seconds of this thread's work: where it never waits, the time it takes on cores that nobody else
// uses.
double thread_seconds();

struct Compared {
  double ours, bare;  // medians, of what `ours` and `bare` return
  double ratio;       // median of the ratios of neighbours
};
// Runs both in turn, since the machine's speed drifts more in a minute than between two runs, and
// prints what came out. Each returns a rate.
Compared compare(const std::string& what, int rounds, const std::function<double()>& ours,
                 const std::function<double()>& bare);

}  // namespace cairn
