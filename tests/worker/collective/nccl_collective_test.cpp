#include "worker/collective/nccl_collective.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <thread>

#include "common/random.h"
#include "tests/seed.h"
#include "tests/worker/collective/collective_contract.h"
#include "tests/worker/collective/fake_nccl.h"
#include "worker/collective/memory_collective.h"
#include "worker/collective/rank_order.h"
#include "worker/math/device/host_device.h"

namespace cairn::collective {

namespace {

using namespace std::chrono_literals;
using Body = std::function<void(Collective&, math::HostDevice&)>;
using Made = std::function<void(Result<std::unique_ptr<Collective>>, math::HostDevice&)>;

// Where nothing is meant to time out; what hangs fails after this long.
constexpr NcclOptions kPatient{.timeout = 20s};
// Where something is; it costs the test this long.
constexpr NcclOptions kImpatient{.timeout = 500ms, .grace = 200ms};

// Every rank is a thread with a device of its own; a rank that returns early leaves.
void on_every_rank(FakeNccl& nccl, uint32_t ranks,
                   const std::function<NcclOptions(uint32_t rank)>& options, const Made& body) {
  auto hosts = make_memory_collectives(ranks);
  std::vector<std::jthread> running;
  for (uint32_t rank = 0; rank < ranks; ++rank)
    running.emplace_back([&, rank, host = std::move(hosts[rank])] {
      math::HostDevice device(math::HostDevice::Order::kAnyOrder, test_seed() + rank);
      body(make_nccl_collective(*host, device, nccl.api(), options(rank)), device);
    });
}

void on_every_rank(FakeNccl& nccl, uint32_t ranks, const Body& body,
                   NcclOptions options = kPatient) {
  on_every_rank(
      nccl, ranks, [=](uint32_t) { return options; },
      [&](Result<std::unique_ptr<Collective>> made, math::HostDevice& device) {
        ASSERT_TRUE(made.ok()) << made.error().message;
        body(*made.value(), device);
      });
}

void expect_no_mistakes(const FakeNccl& nccl, uint32_t ranks) {
  for (uint32_t rank = 0; rank < ranks; ++rank) {
    EXPECT_EQ(nccl.calls(rank).after_the_end, 0u) << "rank " << rank;
    EXPECT_EQ(nccl.calls(rank).too_early, 0u) << "rank " << rank;
  }
  EXPECT_FALSE(nccl.counts_differ());
}

void expect_left_in_order(const FakeNccl& nccl, uint32_t ranks) {
  expect_no_mistakes(nccl, ranks);
  for (uint32_t rank = 0; rank < ranks; ++rank) {
    EXPECT_EQ(nccl.calls(rank).finalized, 1u) << "rank " << rank;
    EXPECT_EQ(nccl.calls(rank).destroyed, 1u) << "rank " << rank;
    EXPECT_EQ(nccl.calls(rank).aborted, 0u) << "rank " << rank;
  }
}

void expect_aborted(const FakeNccl& nccl, uint32_t ranks) {
  expect_no_mistakes(nccl, ranks);
  for (uint32_t rank = 0; rank < ranks; ++rank) {
    EXPECT_EQ(nccl.calls(rank).aborted, 1u) << "rank " << rank;
    EXPECT_EQ(nccl.calls(rank).destroyed, 0u) << "rank " << rank;
  }
}

// Every call fails for ever, with the words of the first failure.
void expect_lost(Collective& collective, const Error& first) {
  EXPECT_TRUE(collective.lost());
  std::vector<float> values(10);
  collective.start(values);
  EXPECT_EQ(collective.all_reduce(values, Control{}).error().message, first.message);
  EXPECT_EQ(collective.all_gather("").error().message, first.message);
  EXPECT_EQ(collective.gather_to_first("").error().message, first.message);
}

CollectiveKind nccl_ranks(uint32_t ranks) {
  return {std::to_string(ranks) + "Ranks", [ranks](const auto& body) {
            FakeNccl nccl(ranks);
            on_every_rank(nccl, ranks, [&](Collective& collective, math::HostDevice&) {
              body(collective, test_seed());
              (void)collective.all_gather("all are done").ok();  // nobody leaves before
            });
            expect_left_in_order(nccl, ranks);
          }};
}

INSTANTIATE_TEST_SUITE_P(Nccl, CollectiveContract,
                         testing::Values(nccl_ranks(1), nccl_ranks(2), nccl_ranks(3),
                                         nccl_ranks(4)),
                         [](const auto& test) { return test.param.name; });

// ---- order

// Numbers of unequal sizes: a sum in another order, or of older values, is another sum.
float number(uint64_t round, uint32_t rank, size_t place) {
  RandomStream random(test_seed(), round * 100 + rank, place);
  return std::ldexp(random.next_float() - 0.5f, static_cast<int>(random.next_below(30)) - 15);
}

// Does a kernel's work: writes this rank's numbers when the device comes to it.
void compute(math::HostDevice& device, std::span<float> values, Piece part, uint64_t round,
             uint32_t rank) {
  device.run([=] {
    for (size_t i = part.first; i < part.first + part.count; ++i)
      values[i] = number(round, rank, i);
  });
}

void expect_sums(math::HostDevice& device, std::span<const float> values, uint64_t round,
                 uint32_t ranks) {
  // As the optimizer does, on the device's stream.
  std::vector<float> seen(values.size());
  device.run([&] { std::copy(values.begin(), values.end(), seen.begin()); });
  device.synchronize(device.stream());
  size_t wrong = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    float sum = number(round, 0, i);
    for (uint32_t rank = 1; rank < ranks; ++rank) sum += number(round, rank, i);
    wrong += seen[i] != sum;
  }
  EXPECT_EQ(wrong, 0u) << "of " << values.size() << " in round " << round;
}

TEST(NcclCollective, SumsEachPartOnceTheDeviceHasComputedIt) {
  constexpr uint32_t kRanks = 3;
  FakeNccl nccl(kRanks);
  on_every_rank(nccl, kRanks, [](Collective& collective, math::HostDevice& device) {
    std::vector<float> values(500, std::nanf(""));
    for (uint64_t round = 0; round < 60; ++round) {
      RandomStream random(test_seed(), 1, round);  // the same on every rank
      const size_t count = random.next_below(500);
      const std::span<float> all = std::span(values).first(count);
      for (size_t end = count; end > 0;) {
        const size_t first = random.next_below(end);
        const bool begun = random.next_below(4) > 0;  // else it is left to all_reduce
        compute(device, all, {first, end - first}, round, collective.rank());
        if (begun) collective.start(all.subspan(first, end - first));
        end = first;
      }
      ASSERT_TRUE(collective.all_reduce(all, Control{}).ok());
      expect_sums(device, all, round, kRanks);
    }
  });
  expect_left_in_order(nccl, kRanks);
}

TEST(NcclCollective, BeginsPartsInTheOrderGivenWhateverTheirPlaces) {
  constexpr uint32_t kRanks = 2;
  FakeNccl nccl(kRanks);
  on_every_rank(nccl, kRanks, [](Collective& collective, math::HostDevice& device) {
    std::vector<float> values(50);
    compute(device, values, {0, 50}, 0, collective.rank());
    collective.start(std::span(values).subspan(10, 7));
    collective.start(std::span(values).subspan(45, 5));
    collective.start({});  // nothing is no part
    collective.start(std::span(values).subspan(0, 10));
    ASSERT_TRUE(collective.all_reduce(values, Control{}).ok());
    expect_sums(device, values, 0, kRanks);
  });
  EXPECT_EQ(nccl.calls(0).sums, 4u);  // with [17, 45)
  expect_left_in_order(nccl, kRanks);
}

// ---- ranks that fail before they have begun what the others have

constexpr Piece kParts[] = {{60, 40}, {25, 35}, {10, 15}};  // and [0, 10)

void expect_errors(const Result<std::vector<Control>>& controls, std::vector<uint32_t> errors) {
  ASSERT_TRUE(controls.ok()) << controls.error().message;
  for (size_t rank = 0; rank < errors.size(); ++rank)
    EXPECT_EQ(controls.value()[rank].error, errors[rank]) << "rank " << rank;
}

TEST(NcclCollective, ARankThatFailsBeginsWhatTheOthersHaveBegun) {
  constexpr uint32_t kRanks = 3;
  FakeNccl nccl(kRanks);
  on_every_rank(nccl, kRanks, [](Collective& collective, math::HostDevice& device) {
    std::vector<float> values(100);
    for (uint64_t round = 0; round < 8; ++round) {
      const bool fails = collective.rank() == 1 && round % 2 == 0;
      const size_t begun = fails ? round / 2 : std::size(kParts);  // 0 to all three
      compute(device, values, {0, 100}, round, collective.rank());
      for (size_t i = 0; i < begun; ++i)
        collective.start(std::span(values).subspan(kParts[i].first, kParts[i].count));
      expect_errors(collective.all_reduce(values, Control{.error = fails}),
                    {0, round % 2 == 0 ? 1u : 0u, 0});
      expect_sums(device, values, round, kRanks);
    }
  });
  expect_left_in_order(nccl, kRanks);
}

TEST(NcclCollective, RanksThatAllFailBeginTheSameParts) {
  constexpr uint32_t kRanks = 3;
  FakeNccl nccl(kRanks);
  on_every_rank(nccl, kRanks, [](Collective& collective, math::HostDevice& device) {
    std::vector<float> values(100);
    compute(device, values, {0, 100}, 0, collective.rank());
    for (size_t i = 0; i < collective.rank(); ++i)
      collective.start(std::span(values).subspan(kParts[i].first, kParts[i].count));
    expect_errors(collective.all_reduce(values, Control{.error = 1}), {1, 1, 1});
    expect_sums(device, values, 0, kRanks);
  });
  EXPECT_EQ(nccl.calls(0).sums, 3u);
  expect_left_in_order(nccl, kRanks);
}

// In the midst of a step, a layer of rank 0 asks for rank 1, which has failed and begins nothing:
// the first all-reduce cannot be launched before rank 1 has come to all_reduce.
TEST(NcclCollective, StartDoesNotWaitForARankThatWaitsForThisOne) {
  FakeNccl nccl(2);
  on_every_rank(nccl, 2, [](Collective& collective, math::HostDevice& device) {
    std::vector<float> values(100);
    const bool fails = collective.rank() == 1;
    compute(device, values, {0, 100}, 0, collective.rank());
    if (!fails)
      for (const Piece& part : kParts)
        collective.start(std::span(values).subspan(part.first, part.count));
    ASSERT_TRUE(collective.all_gather("from a layer").ok());
    expect_errors(collective.all_reduce(values, Control{.error = fails}), {0, 1});
    expect_sums(device, values, 0, 2);
  });
  expect_left_in_order(nccl, 2);
}

// ---- failures

TEST(NcclCollective, AnErrorThatComesUpAbortsOnceAndLasts) {
  FakeNccl nccl(3, {.error = 1, .from_sum = 2});
  on_every_rank(nccl, 3, [](Collective& collective, math::HostDevice&) {
    std::vector<float> values(100, 1.0f);
    for (int sum = 0; sum < 2; ++sum) ASSERT_TRUE(collective.all_reduce(values, Control{}).ok());
    const auto third = collective.all_reduce(values, Control{});
    ASSERT_FALSE(third.ok());
    EXPECT_EQ(third.error().code, ErrorCode::kUnavailable);
    if (collective.rank() == 1) {
      EXPECT_EQ(third.error().message, "NCCL: worker 1 of 3 has met an error: fake error 6");
    }
    expect_lost(collective, third.error());
  });
  expect_aborted(nccl, 3);
}

TEST(NcclCollective, AnErrorThatComesUpInStartIsWhatAllReduceReturns) {
  FakeNccl nccl(1, {.error = 0});
  on_every_rank(nccl, 1, [&](Collective& collective, math::HostDevice&) {
    std::vector<float> values(100, 1.0f);
    collective.start(std::span(values).last(50));
    EXPECT_EQ(nccl.calls(0).aborted, 1u);
    const auto summed = collective.all_reduce(values, Control{});
    ASSERT_FALSE(summed.ok());
    expect_lost(collective, summed.error());
  });
  expect_aborted(nccl, 1);
}

TEST(NcclCollective, ASumThatOneRankNeverReachesTimesOut) {
  FakeNccl nccl(3, {.hangs = 2, .from_sum = 1});
  on_every_rank(
      nccl, 3,
      [](Collective& collective, math::HostDevice&) {
        std::vector<float> values(100, 1.0f);
        ASSERT_TRUE(collective.all_reduce(values, Control{}).ok());
        const auto second = collective.all_reduce(values, Control{});
        ASSERT_FALSE(second.ok());
        // The ranks give up one after the other: the last may see that the first has left.
        if (second.error().code == ErrorCode::kTimedOut) {
          const std::string rank = std::to_string(collective.rank());
          EXPECT_EQ(second.error().message,
                    "NCCL: the sum of 100 numbers does not end on worker " + rank +
                        " of 3 within 500 ms; a worker's GPU or its network hangs, "
                        "NCCL_DEBUG=INFO says which");
        }
        expect_lost(collective, second.error());
      },
      kImpatient);
  expect_aborted(nccl, 3);
}

TEST(NcclCollective, ARankThatLeavesInTheMidstOfASumIsNotWaitedForToTheTimeout) {
  FakeNccl nccl(2, {.hangs = 1});
  on_every_rank(
      nccl, 2,
      [](uint32_t rank) {
        return rank == 1 ? kImpatient : NcclOptions{.timeout = 20s, .grace = 200ms};
      },
      [](Result<std::unique_ptr<Collective>> made, math::HostDevice&) {
        ASSERT_TRUE(made.ok()) << made.error().message;
        Collective& collective = *made.value();
        std::vector<float> values(100, 1.0f);
        const auto summed = collective.all_reduce(values, Control{});
        ASSERT_FALSE(summed.ok());
        if (collective.rank() == 0) {
          EXPECT_EQ(summed.error().message, "a worker has left before gradients were summed");
        }
        expect_lost(collective, summed.error());
      });
  expect_aborted(nccl, 2);
}

TEST(NcclCollective, AHostCollectiveThatLosesARankAbortsTheCommunicator) {
  FakeNccl nccl(4);
  on_every_rank(nccl, 4, [&](Collective& collective, math::HostDevice&) {
    std::vector<float> values(100, 1.0f);
    ASSERT_TRUE(collective.all_reduce(values, Control{}).ok());
    const auto call = [&]() -> std::optional<Error> {
      switch (collective.rank()) {
        case 0:
          return collective.all_reduce(values, Control{}).error();
        case 1:
          return collective.all_reduce({}, Control{}).error();
        case 2:
          return collective.all_gather("").error();
      }
      return std::nullopt;  // rank 3 leaves
    };
    if (const std::optional<Error> error = call()) {
      EXPECT_EQ(error->code, ErrorCode::kUnavailable);
      EXPECT_EQ(nccl.calls(collective.rank()).aborted, 1u);
      expect_lost(collective, *error);
    }
  });
  expect_no_mistakes(nccl, 4);
  EXPECT_EQ(nccl.calls(3).destroyed, 1u);
}

TEST(NcclCollective, ASumThatAllHaveEnteredSucceedsForTheSlowestRankToo) {
  for (int round = 0; round < 50; ++round) {
    FakeNccl nccl(3);
    on_every_rank(nccl, 3, [](Collective& collective, math::HostDevice&) {
      std::vector<float> values(100, 1.0f);
      EXPECT_TRUE(collective.all_reduce(values, Control{}).ok());
      EXPECT_EQ(values[99], 3.0f);
      // Leaves at once, while others may still wait for theirs.
    });
    expect_left_in_order(nccl, 3);
  }
}

// A device whose work never ends.
class HungDevice final : public math::Device {
 public:
  explicit HungDevice(math::HostDevice& device) : device_(device) { set_stream(device.stream()); }

  void* allocate(size_t bytes) override { return device_.allocate(bytes); }
  void free(void* block, size_t bytes) override { device_.free(block, bytes); }
  void read(void*, const void*, size_t) override { hang(); }
  void write(void*, const void*, size_t) override { hang(); }
  bool is_host() const override { return false; }
  void* allocate_staging(size_t bytes) override { return device_.allocate_staging(bytes); }
  void free_staging(void* block, size_t bytes) override { device_.free_staging(block, bytes); }
  math::Stream make_stream() override { return device_.make_stream(); }
  math::Event make_event() override { return device_.make_event(); }
  void copy(math::Stream stream, void* to, const void* from, size_t bytes) override {
    device_.copy(stream, to, from, bytes);
  }
  void zero(math::Stream stream, void* block, size_t bytes) override {
    device_.zero(stream, block, bytes);
  }
  void record(math::Event event, math::Stream stream) override { device_.record(event, stream); }
  void wait(math::Stream stream, math::Event event) override { device_.wait(stream, event); }
  bool done(math::Event) override { return false; }
  void synchronize(math::Stream) override { hang(); }
  void begin_capture(math::Stream stream) override { device_.begin_capture(stream); }
  math::Graph end_capture(math::Stream stream) override { return device_.end_capture(stream); }
  void launch(math::Graph graph, math::Stream stream) override { device_.launch(graph, stream); }
  void destroy(math::Graph graph) override { device_.destroy(graph); }
  void* scratch(size_t bytes) override { return device_.scratch(bytes); }
  uint64_t scratch_generation() const override { return device_.scratch_generation(); }

 private:
  static void hang() { check(false, "somebody waits for a device that hangs"); }
  math::HostDevice& device_;
};

TEST(NcclCollective, ADeviceThatHangsTimesOut) {
  FakeNccl nccl(1);
  const auto hosts = make_memory_collectives(1);
  std::vector<float> values(100, 1.0f);
  math::HostDevice device(math::HostDevice::Order::kAnyOrder, test_seed());
  HungDevice hung(device);
  {
    const auto made = make_nccl_collective(*hosts[0], hung, nccl.api(), kImpatient);
    ASSERT_TRUE(made.ok()) << made.error().message;
    const auto summed = made.value()->all_reduce(values, Control{});
    ASSERT_FALSE(summed.ok());
    EXPECT_EQ(summed.error().code, ErrorCode::kTimedOut);
    EXPECT_EQ(nccl.calls(0).sums, 1u);
    expect_lost(*made.value(), summed.error());
  }
  expect_aborted(nccl, 1);
}

// ---- beginning and end

TEST(NcclCollective, AnIdThatCannotBeMadeIsEveryRanksError) {
  FakeNccl nccl(2, {.no_id = true});
  on_every_rank(
      nccl, 2, [](uint32_t) { return kPatient; },
      [](Result<std::unique_ptr<Collective>> made, math::HostDevice&) {
        ASSERT_FALSE(made.ok());
        EXPECT_EQ(made.error().code, ErrorCode::kUnavailable);
        EXPECT_EQ(made.error().message, "NCCL: worker 0 cannot make an id: fake error 2");
      });
  expect_no_mistakes(nccl, 2);
  EXPECT_EQ(nccl.calls(1).aborted, 0u);
}

TEST(NcclCollective, ARankThatIsRefusedIsEveryRanksError) {
  FakeNccl nccl(3, {.init_refused = 2});
  on_every_rank(
      nccl, 3, [](uint32_t) { return kImpatient; },
      [](Result<std::unique_ptr<Collective>> made, math::HostDevice&) {
        ASSERT_FALSE(made.ok());
        EXPECT_EQ(made.error().code, ErrorCode::kUnavailable);
        EXPECT_EQ(made.error().message, "NCCL: worker 2 of 3 cannot join the others: fake error 2");
      });
  expect_no_mistakes(nccl, 3);
  EXPECT_EQ(nccl.calls(0).aborted, 1u);
  EXPECT_EQ(nccl.calls(1).aborted, 1u);
  EXPECT_EQ(nccl.calls(2).aborted, 0u);  // it has none
}

TEST(NcclCollective, ARankThatIsNeverFoundTimesOutOnAllAndIsAborted) {
  FakeNccl nccl(3, {.never_connects = 1});
  on_every_rank(
      nccl, 3, [](uint32_t) { return kImpatient; },
      [](Result<std::unique_ptr<Collective>> made, math::HostDevice&) {
        ASSERT_FALSE(made.ok());
        EXPECT_EQ(made.error().code, ErrorCode::kTimedOut);
        EXPECT_EQ(
            made.error().message,
            "NCCL: worker 0 of 3 does not find the others within 500 ms; NCCL_DEBUG=INFO says "
            "why, NCCL_SOCKET_IFNAME chooses the network");
      });
  expect_aborted(nccl, 3);
}

TEST(NcclCollective, AnErrorOfOneRankIsThatOfTheRanksThatHaveConnectedToo) {
  FakeNccl nccl(3, {.connects_badly = 1});
  on_every_rank(
      nccl, 3, [](uint32_t) { return kPatient; },
      [](Result<std::unique_ptr<Collective>> made, math::HostDevice&) {
        ASSERT_FALSE(made.ok());
        EXPECT_EQ(made.error().message, "NCCL: worker 1 of 3 has met an error: fake error 2");
      });
  expect_aborted(nccl, 3);
}

TEST(NcclCollective, WithoutTheOthersOnTheHostThereIsNone) {
  FakeNccl nccl(2);
  auto hosts = make_memory_collectives(2);
  hosts[1].reset();
  math::HostDevice device(math::HostDevice::Order::kAnyOrder);
  const auto made = make_nccl_collective(*hosts[0], device, nccl.api(), kPatient);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, ErrorCode::kUnavailable);
}

TEST(NcclCollective, PartsThatWereBegunInVainAreAborted) {
  FakeNccl nccl(2);
  on_every_rank(nccl, 2, [](Collective& collective, math::HostDevice&) {
    std::vector<float> values(100, 1.0f);
    collective.start(values);
  });
  expect_aborted(nccl, 2);
}

TEST(NcclCollective, LeavingThatDoesNotEndIsAnAbort) {
  FakeNccl nccl(2, {.never_finalizes = true});
  on_every_rank(
      nccl, 2,
      [](Collective& collective, math::HostDevice&) {
        std::vector<float> values(100, 1.0f);
        EXPECT_TRUE(collective.all_reduce(values, Control{}).ok());
      },
      kImpatient);
  expect_aborted(nccl, 2);
}

TEST(NcclCollectiveDeathTest, APartOutsideOfTheSumEndsTheProcess) {
  const auto begin_elsewhere = [] {
    FakeNccl nccl(1);
    const auto hosts = make_memory_collectives(1);
    math::HostDevice device(math::HostDevice::Order::kAnyOrder);
    const auto made = make_nccl_collective(*hosts[0], device, nccl.api(), kPatient);
    std::vector<float> values(100);
    made.value()->start(std::span(values).last(60));
    (void)made.value()->all_reduce(std::span(values).first(50), Control{}).ok();
  };
  EXPECT_DEATH(begin_elsewhere(), "a part was begun that lies outside of the sum");
}

}  // namespace

}  // namespace cairn::collective
