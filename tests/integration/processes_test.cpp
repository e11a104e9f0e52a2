// Processes die, users press Ctrl-C, Prometheus looks in: the job ends as it should and leaves
// nothing running.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/integration/http_get.h"
#include "tests/integration/process_tree.h"
#include "tests/integration/small_job.h"
#include "tests/seed.h"

namespace cairn {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

class Processes : public testing::Test {
 protected:
  std::filesystem::path log() const { return job.folder() / "log"; }
  // Trains on, in the background, until something happens to it.
  std::vector<std::string> endless(const std::vector<std::string>& flags = {}) const {
    return job.train_arguments("run", {"train.epochs=100000", "train.report_every=5"}, flags);
  }
  bool trains() const {
    return read_file(job.folder() / "run" / "metrics.jsonl").find("\"train\"") != std::string::npos;
  }

  // Counts lines of the servers' logs.
  size_t lines_with(const std::string& text) const {
    size_t lines = 0;
    for (int server = 0; server < 2; ++server) {
      const std::string log =
          read_file(job.folder() / "run" / "logs" / ("server-" + std::to_string(server) + ".log"));
      for (size_t at = log.find(text); at != std::string::npos; at = log.find(text, at + 1))
        ++lines;
    }
    return lines;
  }

  SmallJob job{test_seed(), 2000};
};

TEST_F(Processes, AServerThatMayNotRecoverEndsTheJobWithItsName) {
  BackgroundCairn cairn(job.train_arguments("run", {"train.epochs=100000", "train.report_every=5",
                                                    "ps.max_respawns=0"}),
                        log());
  ASSERT_TRUE(wait_until([&] { return trains(); })) << cairn.output();
  const std::vector<pid_t> servers = cairn.processes_with("ps");
  ASSERT_EQ(servers.size(), 2u);
  ::kill(servers[test_seed() % 2], SIGKILL);
  EXPECT_EQ(cairn.exit_code(), 1) << cairn.output();
  EXPECT_THAT(cairn.output(), ContainsRegex("server [01] \\(shard [01]\\) was killed by signal 9"));
  EXPECT_TRUE(wait_until([&] { return cairn.processes().empty(); })) << "processes are left";
}

class KilledServers : public Processes {
 protected:
  // Three of them, in a job with these settings.
  void expect_same_bits(const std::vector<std::string>& more) {
    std::vector<std::string> settings = {"train.epochs=40", "train.report_every=5",
                                         "eval.every=100"};
    const Ran undisturbed = job.train("undisturbed", settings);
    ASSERT_EQ(undisturbed.exit_code, 0) << undisturbed.err;
    settings.insert(settings.end(), more.begin(), more.end());
    BackgroundCairn cairn(job.train_arguments("run", settings), log());
    ASSERT_TRUE(wait_until([&] { return trains(); })) << cairn.output();
    constexpr int kKills = 3;
    for (int kill = 0; kill < kKills; ++kill) {
      std::vector<pid_t> servers;
      ASSERT_TRUE(wait_until([&] {
        servers = cairn.processes_with("ps");
        return servers.size() == 2;
      })) << cairn.output();
      const size_t recovered = lines_with("recovered in");
      ASSERT_EQ(::kill(servers[kill % 2], SIGKILL), 0);
      ASSERT_TRUE(wait_until([&] { return lines_with("recovered in") > recovered; }))
          << cairn.output();
    }
    EXPECT_EQ(cairn.exit_code(), 0) << cairn.output();
    EXPECT_THAT(cairn.output(), HasSubstr("was killed by signal 9"));
    EXPECT_EQ(bits_of(job.checkpoint("run")), bits_of(job.checkpoint("undisturbed")));
    EXPECT_EQ(job.evaluations("run"), job.evaluations("undisturbed"));
    const auto result = nlohmann::json::parse(read_file(job.folder() / "run" / "result.json"));
    EXPECT_GT(result.at("server_restarts"), 0);
  }
};

TEST_F(KilledServers, LeaveTheBitsOfAnUndisturbedJob) { expect_same_bits({}); }

TEST_F(KilledServers, LeaveThemToAJobThatPullsSpeculatively) {
  expect_same_bits({"train.speculative_pulls=true"});
}

// The middle record of those in a log's only segment loses a bit. Records start at blocks of 4 KiB,
// and with these words.
void damage_the_middle_of(const std::filesystem::path& log) {
  std::string bytes = read_file(log);
  std::vector<size_t> records;
  for (size_t at = 4096; at + 64 < bytes.size(); at += 4096)
    if (bytes.compare(at, 4, "CREC") == 0) records.push_back(at);
  ASSERT_GT(records.size(), 4u);
  bytes[records[records.size() / 2] + 50] ^= 1;
  std::ofstream(log, std::ios::binary).write(bytes.data(), std::ssize(bytes));
}

pid_t parent_of(pid_t process) {
  const std::string stat = read_file("/proc/" + std::to_string(process) + "/stat");
  std::istringstream behind_the_name(stat.substr(stat.rfind(')') + 1));
  std::string state;
  pid_t parent = 0;
  behind_the_name >> state >> parent;
  return parent;
}

class DamagedState : public Processes {
 protected:
  // A job whose only server dies, once `ready`, and finds what `damage` did when it is started
  // again.
  void run(std::vector<std::string> settings, const std::function<bool()>& ready,
           const std::function<void()>& damage) {
    for (const char* setting : {"train.epochs=20", "train.report_every=5", "ps.servers=1"})
      settings.emplace_back(setting);
    cairn_ = std::make_unique<BackgroundCairn>(job.train_arguments("run", settings), log());
    ASSERT_TRUE(wait_until([&] { return trains() && ready(); })) << cairn_->output();
    const std::vector<pid_t> servers = cairn_->processes_with("ps");
    ASSERT_EQ(servers.size(), 1u);
    const pid_t supervisor = parent_of(servers[0]);
    // Until the files are damaged nobody starts another one.
    ASSERT_EQ(::kill(supervisor, SIGSTOP), 0);
    ASSERT_EQ(::kill(servers[0], SIGKILL), 0);
    ASSERT_TRUE(wait_until(
        [&] { return read_file("/proc/" + std::to_string(servers[0]) + "/cmdline").empty(); }));
    damage();
    ASSERT_EQ(::kill(supervisor, SIGCONT), 0);
  }
  std::vector<std::filesystem::path> state_files() const {
    std::vector<std::filesystem::path> files;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(job.folder() / "run" / "state"))
      if (entry.is_regular_file()) files.push_back(entry.path());
    return files;
  }
  nlohmann::json result() const {
    return nlohmann::json::parse(read_file(job.folder() / "run" / "result.json"));
  }

  std::unique_ptr<BackgroundCairn> cairn_;
};

class DamagedLog : public DamagedState {
 protected:
  void run(const std::string& recovery) {
    DamagedState::run(
        {"ps.recovery=" + recovery}, [] { return true; },
        [&] {
          for (const std::filesystem::path& file : state_files())
            if (file.filename() == "log-00000000") damaged_ = file;
          damage_the_middle_of(damaged_);
        });
  }

  std::filesystem::path damaged_;
};

TEST_F(DamagedLog, IsRefusedWithTheNameOfTheFile) {
  run("strict");
  EXPECT_EQ(cairn_->exit_code(), 1) << cairn_->output();
  EXPECT_THAT(cairn_->output(), HasSubstr(damaged_.string() + " at byte "));
  EXPECT_THAT(cairn_->output(), HasSubstr("with `ps.recovery: report` the shard would start"));
}

TEST_F(DamagedLog, IsOpenedUnderReportAndTheResultTellsWhatIsLost) {
  run("report");
  EXPECT_EQ(cairn_->exit_code(), 0) << cairn_->output();
  EXPECT_THAT(cairn_->output(), HasSubstr(damaged_.string() + " at byte "));
  const nlohmann::json its = result();
  EXPECT_GT(its.at("lost_pushes"), 0);
  ASSERT_EQ(its.at("lost").size(), 1u);
  EXPECT_EQ(its["lost"][0].at("file"), damaged_.string());
  EXPECT_GT(its["lost"][0].at("records"), 0);
  EXPECT_GT(its["lost"][0].at("gradients"), 0);
  EXPECT_GT(lines_with("row gradients of tables"), 0u);
}

class DamagedStore : public DamagedState {
 protected:
  void run(const std::string& recovery) {
    DamagedState::run(
        {"ps.recovery=" + recovery, "checkpoint.every=50"},
        [&] { return !job.checkpoint("run").empty(); }, [&] { damage_rows(); });
  }
  // The last byte of each file that is too large to be one of the small state.
  void damage_rows() {
    for (const std::filesystem::path& file : state_files()) {
      std::string bytes = read_file(file);
      if (file.extension() != ".sst" || bytes.size() < 8192) continue;
      bytes.back() ^= 1;
      std::ofstream(file, std::ios::binary).write(bytes.data(), std::ssize(bytes));
      damaged_.insert(file.string());
    }
    ASSERT_FALSE(damaged_.empty());
  }

  std::set<std::string> damaged_;
};

TEST_F(DamagedStore, IsRefusedWithTheNameOfAFile) {
  run("strict");
  EXPECT_EQ(cairn_->exit_code(), 1) << cairn_->output();
  EXPECT_THAT(cairn_->output(), ContainsRegex("cannot open the store .*\\.sst"));
}

TEST_F(DamagedStore, IsOpenedUnderReportAndTheResultTellsWhatIsLost) {
  run("report");
  EXPECT_EQ(cairn_->exit_code(), 0) << cairn_->output();
  const nlohmann::json its = result();
  EXPECT_EQ(its.at("lost_pushes"), 0);
  ASSERT_GT(its.at("lost").size(), 0u);
  for (const nlohmann::json& loss : its["lost"]) {
    EXPECT_TRUE(damaged_.contains(loss.at("file"))) << loss;
    EXPECT_GT(loss.at("end_slot"), loss.at("first_slot"));
    EXPECT_THAT(cairn_->output(), HasSubstr(loss.at("why").get<std::string>()));
  }
  EXPECT_GT(lines_with("rows of slots"), 0u);
}

TEST_F(Processes, ADeadWorkerEndsTheJobAndTheRunResumes) {
  {
    BackgroundCairn cairn(job.train_arguments("run", {"train.epochs=100000", "train.report_every=5",
                                                      "checkpoint.every=10"}),
                          log());
    ASSERT_TRUE(wait_until([&] { return trains(); })) << cairn.output();
    ASSERT_TRUE(wait_until([&] { return !job.checkpoint("run").empty(); })) << cairn.output();
    pid_t worker = 0;
    for (pid_t pid : cairn.processes())  // a rank that keeps no server
      if (read_file("/proc/" + std::to_string(pid) + "/environ")
              .find(std::string("OMPI_COMM_WORLD_RANK=1") + '\0') != std::string::npos)
        worker = pid;
    ASSERT_NE(worker, 0);
    ::kill(worker, SIGKILL);
    EXPECT_EQ(cairn.exit_code(), 1) << cairn.output();
    EXPECT_THAT(cairn.output(),
                ContainsRegex("worker 1 \\(rank 1, on host .*\\) was killed by signal 9"));
    EXPECT_TRUE(wait_until([&] { return cairn.processes().empty(); })) << "processes are left";
  }
  const Ran resumed = job.train("run", {"train.epochs=1"}, {"--resume"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.out << resumed.err;
}

TEST_F(Processes, CtrlCWritesACheckpointAndExitsWithFour) {
  for (const std::vector<std::string>& flags : {std::vector<std::string>{"--local"}, {}}) {
    std::filesystem::remove_all(job.folder() / "run");
    BackgroundCairn cairn(endless(flags), log());
    ASSERT_TRUE(wait_until([&] { return trains(); })) << cairn.output();
    cairn.signal(SIGINT);
    EXPECT_EQ(cairn.exit_code(), 4) << cairn.output();
    EXPECT_TRUE(wait_until([&] { return cairn.processes().empty(); })) << "processes are left";
    EXPECT_EQ(run_cairn({"inspect", job.checkpoint("run").string()}).exit_code, 0);
  }
}

TEST_F(Processes, CtrlCEndsAPredictionAtOnceAndLeavesNothing) {
  ASSERT_EQ(job.train("run", {"train.epochs=1"}, {"--local"}).exit_code, 0);
  for (const std::vector<std::string>& flags : {std::vector<std::string>{"--local"}, {}}) {
    std::vector<std::string> arguments = {"predict", job.file().string(), "--output",
                                          (job.folder() / "predictions.csv").string()};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    arguments.push_back("--input");
    arguments.insert(arguments.end(), 3000, job.train_data().string());  // seconds of work
    BackgroundCairn cairn(arguments, log());
    const auto stores = [&] {
      for (const auto& entry : std::filesystem::directory_iterator(job.folder() / "run"))
        if (entry.path().filename().string().starts_with("stores-")) return true;
      return false;
    };
    ASSERT_TRUE(wait_until(stores)) << cairn.output();
    cairn.signal(SIGINT);
    EXPECT_EQ(cairn.exit_code(), 1) << cairn.output();
    EXPECT_EQ(cairn.output(), "cairn: stopping\n");
    EXPECT_TRUE(wait_until([&] { return cairn.processes().empty(); })) << "processes are left";
    EXPECT_FALSE(stores());
    EXPECT_FALSE(std::filesystem::exists(job.folder() / "predictions.csv"));
  }
}

TEST_F(Processes, TwoRunsAtOnceInOneFolderAreRefused) {
  BackgroundCairn cairn(endless({"--local"}), log());
  ASSERT_TRUE(wait_until([&] { return trains(); })) << cairn.output();
  const Ran second = job.train("run", {}, {"--local", "--resume"});
  EXPECT_EQ(second.exit_code, 1) << second.err;
  EXPECT_THAT(second.err, HasSubstr((job.folder() / "run").string()));
  cairn.signal(SIGINT);
  EXPECT_EQ(cairn.exit_code(), 4) << cairn.output();
}

TEST_F(Processes, EveryProcessServesItsMetrics) {
  BackgroundCairn cairn(endless(), log());
  ASSERT_TRUE(wait_until([&] { return trains(); })) << cairn.output();
  const auto targets =
      nlohmann::json::parse(read_file(job.folder() / "run" / "metrics_targets.json"));
  std::string all;
  size_t count = 0;
  for (const auto& group : targets)
    for (const std::string target : group.at("targets")) {
      EXPECT_THAT(http_get(target, "/healthz"), HasSubstr("200"));
      EXPECT_THAT(http_get(target, "/readyz"), HasSubstr("200"));
      all += http_get(target, "/metrics");
      ++count;
    }
  EXPECT_EQ(count, 4u);  // two servers, two workers
  for (const char* name :
       {"cairn_train_step{", "cairn_pull_duration_seconds_bucket{", "cairn_push_rows_total{",
        "cairn_hot_tier_rows{", "cairn_unique_key_ratio{", "cairn_train_loss{"})
    EXPECT_THAT(all, HasSubstr(name));
  cairn.signal(SIGTERM);
  EXPECT_EQ(cairn.exit_code(), 4) << cairn.output();
}

}  // namespace
}  // namespace cairn
