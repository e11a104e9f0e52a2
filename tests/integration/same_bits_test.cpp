// The same job gives the same rows and dense parameters, bit for bit, whatever does not belong to
// the job: shards, servers, transport, memory, prefetch, interruptions, evaluations.

#include <gtest/gtest.h>

#include <cstring>

#include "tests/integration/small_job.h"
#include "tests/seed.h"

namespace cairn {
namespace {

class SameBits : public testing::Test {
 protected:
  Bits trained(const std::string& run, const std::vector<std::string>& overrides = {},
               const std::vector<std::string>& flags = {"--local"}) {
    const Ran ran = job.train(run, overrides, flags);
    EXPECT_EQ(ran.exit_code, 0) << ran.out << ran.err;
    return bits_of(job.checkpoint(run));
  }

  SmallJob job{test_seed()};
};

TEST_F(SameBits, OfTheSameJobTwiceAndNotOfAnotherSeed) {
  const Bits once = trained("once");
  EXPECT_EQ(once, trained("again"));
  EXPECT_NE(once, trained("other", {"train.seed=2"}));
}

TEST_F(SameBits, OfOneShardAndEight) {
  EXPECT_EQ(trained("one", {"ps.servers=1"}),
            trained("eight", {"ps.servers=2", "ps.shards_per_server=4"}));
}

// Rounded by chance, but by the same everywhere.
TEST_F(SameBits, OfBf16RowsInOneShardAndEightInThreadsAndProcessesAndLittleMemory) {
  const std::vector<std::string> bf16 = {"ps.dtype=bf16", "ps.wire=bf16"};
  const auto with = [&](std::vector<std::string> overrides) {
    overrides.insert(overrides.end(), bf16.begin(), bf16.end());
    return overrides;
  };
  const Bits one = trained("one", with({"ps.servers=1"}));
  EXPECT_EQ(one, trained("eight", with({"ps.servers=2", "ps.shards_per_server=4"})));
  EXPECT_EQ(one, trained("processes", bf16, {}));
  EXPECT_EQ(one, trained("tight", with({"ps.hot_bytes=64K"})));
  EXPECT_NE(one, trained("f32"));
}

TEST_F(SameBits, OfWorkerThreadsAndMpirun) {
  EXPECT_EQ(trained("local"), trained("mpirun", {}, {}));
}

TEST_F(SameBits, OfTcpAndIpc) {
  EXPECT_EQ(trained("tcp", {"ps.transport=tcp"}, {}), trained("ipc", {"ps.transport=ipc"}, {}));
}

TEST_F(SameBits, OfMemoryForAllRowsAndForFew) {
  EXPECT_EQ(trained("roomy"), trained("tight", {"ps.hot_bytes=64K"}));
}

TEST_F(SameBits, OfEveryPrefetch) {
  const Bits one = trained("one");
  EXPECT_EQ(one, trained("none", {"train.prefetch=0"}));
  EXPECT_EQ(one, trained("three", {"train.prefetch=3"}));
}

TEST_F(SameBits, OfSpeculativePulls) {
  const auto early = [](std::vector<std::string> more = {}) {
    more.push_back("train.speculative_pulls=true");
    return more;
  };
  const Bits late = trained("late");
  EXPECT_EQ(late, trained("early", early()));
  EXPECT_EQ(late, trained("three", early({"train.prefetch=3"})));
  EXPECT_EQ(late, trained("tight", early({"ps.hot_bytes=64K"})));
  EXPECT_EQ(late, trained("often", early({"eval.every=7", "checkpoint.every=11"})));
  EXPECT_EQ(late, trained("processes", early({"ps.transport=tcp", "ps.shards_per_server=2"}), {}));
  const std::vector<std::string> bf16 = {"ps.dtype=bf16", "ps.wire=bf16"};
  EXPECT_EQ(trained("late-bf16", bf16), trained("early-bf16", early(bf16)));
}

// Rows come and go between a speculative answer and the one that follows it.
TEST_F(SameBits, OfSpeculativePullsWhereRowsExpireAndKeysAreRefused) {
  const std::vector<std::string> few = {"train.max_steps=40"};
  std::vector<std::string> policies = {"ps.removal_period=64", "ps.expiry.unseen_steps=6",
                                       "ps.admission.min_count=2",
                                       "ps.admission.filter_bytes=1MiB"};
  policies.insert(policies.end(), few.begin(), few.end());
  std::vector<std::string> early = policies;
  early.push_back("train.speculative_pulls=true");
  const Bits late = trained("late", policies);
  EXPECT_EQ(late, trained("early", early));
  EXPECT_NE(late, trained("without", few));
}

TEST_F(SameBits, WithAndWithoutEvaluationsAndCheckpointsBetweenSteps) {
  EXPECT_EQ(trained("rarely"), trained("often", {"eval.every=7", "checkpoint.every=11"}));
}

TEST_F(SameBits, OfAnInterruptedRunThatGoesOnWithOtherShards) {
  const Bits whole = trained("whole");
  // In the middle of an epoch, at its end, and after one more resume.
  trained("parts", {"train.max_steps=13"});
  trained("parts", {"train.max_steps=47", "ps.shards_per_server=3"}, {"--local", "--resume"});
  EXPECT_EQ(whole, trained("parts", {"ps.servers=1"}, {"--local", "--resume"}));
}

TEST_F(SameBits, OfAFinishedRunThatIsResumed) {
  const Bits whole = trained("run", {"train.max_steps=13"});
  EXPECT_EQ(whole, trained("run", {"train.max_steps=13"}, {"--local", "--resume"}));
  const std::vector<std::string> impatient = {"train.epochs=50", "eval.every=5",
                                              "eval.monitor=like.auc", "eval.patience=1"};
  const Bits early = trained("early", impatient);
  EXPECT_EQ(early, trained("early", impatient, {"--local", "--resume"}));
}

// The findings of each evaluation, and the predictions of the last checkpoint.
TEST_F(SameBits, OfEvaluationsThatKeepAllSomeAndNoneOfTheRows) {
  const auto evaluated = [&](const std::string& bytes) {
    const std::vector<std::string> its = {"eval.every=7", "train.epochs=1", "ps.removal_period=16",
                                          "ps.expiry.unseen_steps=6",
                                          "eval.row_cache_bytes=" + bytes};
    trained(bytes, its);
    const std::string predictions = (job.folder() / (bytes + ".csv")).string();
    std::vector<std::string> arguments = {
        "predict",  job.file().string(), "--checkpoint", job.checkpoint(bytes).string(),
        "--output", predictions,         "--input",      (job.folder() / "eval.csv").string(),
        "--local"};
    for (const std::string& override : its) {
      arguments.push_back("--set");
      arguments.push_back(override);
    }
    const Ran ran = run_cairn(arguments);
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    return job.evaluations(bytes) + read_file(predictions);
  };
  const std::string none = evaluated("0");
  EXPECT_NE(none.find("auc"), std::string::npos);
  EXPECT_EQ(none, evaluated("4K"));
  EXPECT_EQ(none, evaluated("64M"));
}

// The floats behind a safetensors header.
std::vector<float> floats_of(const std::string& dense) {
  uint64_t length = 0;
  std::memcpy(&length, dense.data(), sizeof length);
  std::vector<float> floats((dense.size() - 8 - length) / sizeof(float));
  std::memcpy(floats.data(), dense.data() + 8 + length, floats.size() * sizeof(float));
  return floats;
}

TEST_F(SameBits, OnlyUpToRoundingForOtherNumbersOfWorkers) {
  const std::vector<std::string> few = {"train.max_steps=20", "train.optimizer.type=sgd"};
  const auto workers = [&](const char* count) {
    std::vector<std::string> overrides = few;
    overrides.push_back(std::string("train.workers=") + count);
    return floats_of(trained(count, overrides).dense);
  };
  const std::vector<float> one = workers("1");
  for (const char* count : {"2", "4"}) {
    const std::vector<float> more = workers(count);
    ASSERT_EQ(more.size(), one.size());
    for (size_t i = 0; i < one.size(); ++i) ASSERT_NEAR(more[i], one[i], 2e-5) << i;
  }
}

TEST_F(SameBits, OfAnEvaluationByAnotherNumberOfProcesses) {
  ASSERT_EQ(job.train("run").exit_code, 0);
  const std::string checkpoint = job.checkpoint("run").string();
  const Bits before = bits_of(checkpoint);
  const auto evaluated = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "eval",         job.file().string(),
        "--checkpoint", checkpoint,
        "--set",        "output=" + (job.folder() / "eval").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ran ran = run_cairn(arguments);
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    return ran.out;
  };
  const std::string table = evaluated({"--local"});
  EXPECT_NE(table.find("like"), std::string::npos);
  EXPECT_EQ(table, evaluated({"--local", "--set", "ps.servers=3"}));
  EXPECT_EQ(before, bits_of(checkpoint)) << "an evaluation changed rows";
}

}  // namespace
}  // namespace cairn
