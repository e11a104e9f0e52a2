// The contract of collectives on two processes that share a GPU: with NCCL, which takes them for
// processes of two hosts (NCCL_HOSTID) and connects them over loopback, and over their hosts. The
// processes are forked, as not every machine with a GPU has an MPI. Without a GPU only what stands
// in for MPI is tested.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "tests/seed.h"
#include "tests/worker/collective/collective_contract.h"
#include "worker/collective/device_choice.h"
#include "worker/collective/rank_order.h"
#include "worker/math/device/gpu.h"

namespace cairn::collective {

namespace {

constexpr uint32_t kRanks = 2;
constexpr int kCannotRun = 77;
int reasons[2];  // a pipe to the test: why its processes cannot run

// Two processes with a stream between them.
class PairCollective final : public Collective {
 public:
  PairCollective(uint32_t rank, int stream) : rank_(rank), stream_(stream) {}

  uint32_t rank() const override { return rank_; }
  uint32_t size() const override { return kRanks; }
  bool lost() const override { return lost_; }

  Result<std::vector<Control>> all_reduce(std::span<float> values, const Control& mine) override {
    std::string packed(reinterpret_cast<const char*>(&mine), sizeof mine);
    packed.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
    const auto all = all_gather(std::move(packed));
    if (!all.ok()) return all.error();
    std::vector<Control> controls(kRanks);
    for (uint32_t rank = 0; rank < kRanks; ++rank) {
      const std::string& from = all.value()[rank];
      check(from.size() == sizeof mine + values.size_bytes(), "as many values on both ranks");
      std::memcpy(&controls[rank], from.data(), sizeof mine);
      for (size_t i = 0; i < values.size(); ++i) {
        float value;
        std::memcpy(&value, from.data() + sizeof mine + i * sizeof value, sizeof value);
        values[i] = rank == 0 ? value : values[i] + value;
      }
    }
    return controls;
  }

  Result<std::vector<std::string>> gather_to_first(std::string mine) override {
    auto all = all_gather(std::move(mine));
    if (!all.ok() || rank_ == 0) return all;
    return std::vector<std::string>();
  }

  // Rank 0 speaks first, so that no message fills both ends of the stream.
  Result<std::vector<std::string>> all_gather(std::string mine) override {
    std::vector<std::string> all(kRanks);
    const bool passed = rank_ == 0 ? send(mine) && receive(all[1]) : receive(all[0]) && send(mine);
    if (!passed) {
      lost_ = true;
      return Error{ErrorCode::kUnavailable,
                   "worker " + std::to_string(1 - rank_) + " is no longer there"};
    }
    all[rank_] = std::move(mine);
    return all;
  }

 private:
  bool send(const std::string& text) const {
    const uint64_t length = text.size();
    return move(const_cast<uint64_t*>(&length), sizeof length, true) &&
           move(const_cast<char*>(text.data()), text.size(), true);
  }
  bool receive(std::string& text) const {
    uint64_t length = 0;
    if (!move(&length, sizeof length, false)) return false;
    text.resize(length);
    return move(text.data(), length, false);
  }
  bool move(void* block, size_t bytes, bool out) const {
    auto* at = static_cast<char*>(block);
    while (bytes > 0) {
      const ssize_t moved =
          out ? ::send(stream_, at, bytes, MSG_NOSIGNAL) : read(stream_, at, bytes);
      if (moved <= 0) return false;
      at += moved;
      bytes -= static_cast<size_t>(moved);
    }
    return true;
  }

  uint32_t rank_;
  int stream_;
  bool lost_ = false;
};

// Takes values in the host's memory and sums them on a device.
class ThroughDevice final : public Collective {
 public:
  ThroughDevice(Collective& inner, math::Device& device) : inner_(inner), device_(device) {}

  uint32_t rank() const override { return inner_.rank(); }
  uint32_t size() const override { return inner_.size(); }
  bool lost() const override { return inner_.lost(); }

  Result<std::vector<Control>> all_reduce(std::span<float> values, const Control& mine) override {
    const size_t bytes = std::max<size_t>(values.size_bytes(), sizeof(float));
    auto* here = static_cast<float*>(device_.allocate(bytes));
    device_.write(here, std::span<const float>(values));
    auto controls = inner_.all_reduce({here, values.size()}, mine);
    device_.read(values, here);
    device_.free(here, bytes);
    return controls;
  }
  Result<std::vector<std::string>> gather_to_first(std::string mine) override {
    return inner_.gather_to_first(std::move(mine));
  }
  Result<std::vector<std::string>> all_gather(std::string mine) override {
    return inner_.all_gather(std::move(mine));
  }

 private:
  Collective& inner_;
  math::Device& device_;
};

// Runs the body in a process a rank. What it returns ends the process, if it isn't a failure of the
// test's.
void in_processes(const std::function<int(Collective& host)>& body) {
  int streams[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, streams), 0);
  ASSERT_EQ(pipe(reasons), 0);
  std::fflush(nullptr);  // or both processes print it
  pid_t processes[kRanks];
  for (uint32_t rank = 0; rank < kRanks; ++rank) {
    processes[rank] = fork();
    ASSERT_GE(processes[rank], 0);
    if (processes[rank] != 0) continue;
    close(streams[1 - rank]);
    PairCollective host(rank, streams[rank]);
    const int code = body(host);
    std::fflush(nullptr);
    _exit(testing::Test::HasFailure() ? 1 : code);
  }
  for (const int end : {streams[0], streams[1], reasons[1]}) close(end);
  bool could_run = true;
  for (uint32_t rank = 0; rank < kRanks; ++rank) {
    int status = 0;
    ASSERT_EQ(waitpid(processes[rank], &status, 0), processes[rank]);
    ASSERT_TRUE(WIFEXITED(status)) << "rank " << rank << " ended by signal " << WTERMSIG(status);
    if (WEXITSTATUS(status) == kCannotRun)
      could_run = false;
    else
      EXPECT_EQ(WEXITSTATUS(status), 0) << "rank " << rank;
  }
  char why[200] = "";
  (void)!read(reasons[0], why, sizeof why - 1);
  close(reasons[0]);
  if (!could_run) GTEST_SKIP() << why;
}

int cannot_run(const Error& why) {
  const std::string line = why.message + "\n";
  (void)!write(reasons[1], line.data(), line.size());
  return kCannotRun;
}

// On the one GPU. With `nccl` as if each process had a host of its own.
int on_the_gpu(Collective& host, bool nccl,
               const std::function<void(Collective&, math::Device&)>& body) {
  if (nccl) {
    setenv("NCCL_HOSTID", std::to_string(host.rank()).c_str(), 1);
    setenv("NCCL_SOCKET_IFNAME", "lo", 1);
  }
  const Result<uint32_t> gpus = math::gpu_count();
  if (!gpus.ok()) return cannot_run(gpus.error());
  const Result<const NcclApi*> api = nccl_api();
  if (nccl && !api.ok()) return cannot_run(api.error());
  const Result<math::Gpu> gpu = math::open_gpu(0);
  if (!gpu.ok()) return cannot_run(gpu.error());
  const auto made =
      make_gpu_collective(host, *gpu.value().device, gpu.value().bus_id,
                          nccl ? api.value() : nullptr, {.timeout = std::chrono::seconds(60)});
  EXPECT_TRUE(made.ok()) << made.error().message;
  if (made.ok()) body(*made.value(), *gpu.value().device);
  return 0;
}

CollectiveKind host_alone() {
  return {"HostAlone", [](const auto& body) {
            in_processes([&](Collective& host) {
              body(host, test_seed());
              return 0;
            });
          }};
}

CollectiveKind on_one_gpu(const char* name, bool nccl) {
  return {name, [nccl](const auto& body) {
            in_processes([&](Collective& host) {
              return on_the_gpu(host, nccl, [&](Collective& collective, math::Device& device) {
                ThroughDevice through(collective, device);
                body(through, test_seed());
              });
            });
          }};
}

INSTANTIATE_TEST_SUITE_P(TwoProcesses, CollectiveContract,
                         testing::Values(host_alone(), on_one_gpu("HostsOfAGpu", false),
                                         on_one_gpu("NcclOfAGpu", true)),
                         [](const auto& test) { return test.param.name; });

// The trainer does this when a worker's process is killed.
TEST(NcclOnAGpu, FailsWhereTheOtherProcessIsGone) {
  in_processes([](Collective& host) {
    return on_the_gpu(host, true, [](Collective& collective, math::Device& device) {
      constexpr size_t kFloats = 100'000;
      auto* here = static_cast<float*>(device.allocate(kFloats * sizeof(float)));
      device.zero(device.stream(), here, kFloats * sizeof(float));
      EXPECT_TRUE(collective.all_reduce({here, kFloats}, {}).ok());
      device.synchronize(device.stream());
      EXPECT_TRUE(collective.all_gather("").ok());  // or what rank 1 still sends goes with it
      if (collective.rank() == 1) _exit(testing::Test::HasFailure() ? 1 : 0);
      collective.start({here, kFloats});
      EXPECT_EQ(collective.all_reduce({here, kFloats}, {}).error().code, ErrorCode::kUnavailable);
      EXPECT_TRUE(collective.lost());
    });
  });
}

}  // namespace

}  // namespace cairn::collective
