// A server process is killed, again and again, while two workers push and pull, while it recovers,
// and at every fault point; after each recovery every row is compared bit for bit with a plain
// reference that is fed by the history kept outside of it. CAIRN_TEST_LONG=1 makes it 200 kills.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <regex>

#include "ps/store/store_salvage.h"
#include "tests/chaos/chaos_workers.h"
#include "tests/chaos/victim.h"
#include "tests/common/temporary_folder.h"

namespace cairn {
namespace {

using std::chrono::milliseconds;

// The moments of the kills depend on the machine all the same.
constexpr uint64_t kSeeds[] = {1, 7, 42, 1234, 99991};
// How long a life may take to come to a point, and lives.
constexpr std::chrono::seconds kReached{2};
constexpr int kLivesMax = 8;
constexpr int kKillsOfASeed = 4, kKillsOfASeedLong = 40;

class KillTest : public testing::TestWithParam<uint64_t> {
 protected:
  // Serves, recovered where a life was before.
  void start(const std::string& fault_point = "", std::vector<std::string> settings = {}) {
    victim_.reset();
    victim_ = std::make_unique<Victim>(VictimOptions{.state = folder_.path() / "state",
                                                     .endpoint = endpoint_,
                                                     .recover = lives_++ > 0,
                                                     .fault_point = fault_point,
                                                     .settings = std::move(settings)});
  }
  std::filesystem::path new_folder() {
    return folder_.path() / ("checkpoint-" + std::to_string(++folders_));
  }
  void load_for(milliseconds time) {
    std::filesystem::create_directories(folder_.path() / "checkpoints");
    workers_.load_for(time, folder_.path() / "checkpoints");
  }
  void expect_recovered() {
    std::filesystem::remove_all(folder_.path() / "checkpoints");
    start();
    ASSERT_TRUE(victim_->wait_until_ready());
    workers_.connect();
    const auto folder = new_folder();
    workers_.expect_nothing_lost(folder);
    std::filesystem::remove_all(folder);
  }

  TemporaryFolder folder_;
  const std::string endpoint_ = "ipc://" + (folder_.path() / "socket").string();
  ChaosWorkers workers_{GetParam(), endpoint_};
  std::unique_ptr<Victim> victim_;
  int lives_ = 0, folders_ = 0;
};

TEST_P(KillTest, NothingAcknowledgedIsLostAndNothingIsAppliedTwice) {
  RandomStream random(GetParam(), 2);
  const int kills = std::getenv("CAIRN_TEST_LONG") != nullptr ? kKillsOfASeedLong : kKillsOfASeed;
  start();
  ASSERT_TRUE(victim_->wait_until_ready());
  workers_.connect();
  for (int kill = 0; kill < kills && !HasFatalFailure(); ++kill) {
    load_for(milliseconds(random.next_below(150)));
    victim_->kill();
    workers_.disconnect();
    // It may die again while it recovers.
    while (random.next_below(3) == 0) {
      start();
      const auto end = std::chrono::steady_clock::now() + milliseconds(random.next_below(40));
      while (std::chrono::steady_clock::now() < end && !victim_->has_ended()) {
      }
      victim_->kill();
      ++kill;
    }
    expect_recovered();
  }
  EXPECT_GT(workers_.acknowledged_pushes(), 0u);
  std::printf("%d lives, %lu pushes acknowledged, %lu resent, step %lu\n", lives_,
              workers_.acknowledged_pushes(), workers_.resent(), workers_.applied_step());
}

// Every place in ps/ where `fault_point` is called.
std::vector<std::string> fault_points() {
  std::vector<std::string> points;
  const std::regex call("fault_point\\(\"([^\"]+)\"\\)");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(CAIRN_SOURCE "/ps")) {
    if (entry.path().extension() != ".cpp") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    for (std::sregex_iterator at(text.begin(), text.end(), call), end; at != end; ++at)
      points.push_back((*at)[1]);
  }
  std::sort(points.begin(), points.end());
  return points;
}

class FaultPointTest : public KillTest {
 protected:
  // A life that recovers and serves until it comes to `point`. False: it did not.
  bool live_until(const std::string& point) {
    const bool salvages = point.starts_with("salvage.");
    if (salvages) mark_stores_damaged();
    start(point,
          salvages ? std::vector<std::string>{"recovery=report"} : std::vector<std::string>{});
    if (victim_->wait_until_ready()) {
      workers_.connect();
      const auto give_up = std::chrono::steady_clock::now() + kReached;
      while (!victim_->has_ended() && std::chrono::steady_clock::now() < give_up &&
             !HasFatalFailure())
        load_for(milliseconds(20));
      workers_.disconnect();
    }
    return victim_->has_ended();
  }
  // A salvage of a store that is whole loses nothing.
  void mark_stores_damaged() {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder_.path() / "state"))
      if (entry.path().filename() == "store") {
        ASSERT_TRUE(ps::mark_damaged(entry.path(), "a test says so").ok());
      }
  }
  // Where the life before has to end for the next one to pass `point` at all; empty: anywhere.
  static std::string death_before(const std::string& point) {
    // A segment that nothing was written to is left over.
    return point == "log.leftover_removed" ? "log.segment_named" : "";
  }
  // Some are passed only while a new store is made, of which nobody has heard yet.
  bool new_store_comes_to(const std::string& point) {
    return !Victim({.state = folder_.path() / "other-state",
                    .endpoint = endpoint_ + "-other",
                    .fault_point = point})
                .wait_until_ready();
  }
};

TEST_P(FaultPointTest, WhoDiesAtAnyOfThemIsRecovered) {
  const std::vector<std::string> points = fault_points();
  ASSERT_GT(points.size(), 10u);
  start();
  ASSERT_TRUE(victim_->wait_until_ready());
  workers_.connect();
  for (const std::string& point : points) {
    SCOPED_TRACE(point);
    bool reached = false;
    for (int life = 0; life < kLivesMax && !reached; ++life) {
      load_for(milliseconds(100 * (1 + life)));  // so that the next life has something to recover
      victim_->kill();
      workers_.disconnect();
      if (const std::string before = death_before(point); !before.empty()) {
        ASSERT_TRUE(live_until(before)) << before;
        victim_->kill();
      }
      reached = live_until(point);
      if (reached) {
        EXPECT_TRUE(victim_->was_killed());
      }
      victim_->kill();
      expect_recovered();
      if (HasFatalFailure()) return;
      if (life == 0 && !reached) reached = new_store_comes_to(point);
      std::filesystem::remove_all(folder_.path() / "other-state");
    }
    EXPECT_TRUE(reached) << "the point is never reached";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, FaultPointTest, testing::Values(uint64_t{5}));
INSTANTIATE_TEST_SUITE_P(Seeds, KillTest, testing::ValuesIn(kSeeds));

}  // namespace
}  // namespace cairn
