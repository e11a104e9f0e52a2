// Whatever a job file holds, loading it ends with a job or with diagnostics.
#include <gtest/gtest.h>

#include <random>

#include "common/config/resolved.h"
#include "tests/common/config/job_text.h"
#include "tests/seed.h"

namespace cairn {
namespace {

const std::string kFull = kJob +
                          "  optimizer: {type: adam, learning_rate: 1e-3}\n"
                          "eval: {monitor: like.auc, patience: 2}\n"
                          "ps:\n"
                          "  hot_bytes: 64M\n"
                          "  tables:\n"
                          "    user: {dim: 8, initializer: {type: uniform, scale: 0.5}}\n"
                          "checkpoint: {keep: 3}\n"
                          "metrics: {port: 0}\n";

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  std::string mutate(std::string text) {
    for (size_t edits = 1 + below(4); edits > 0 && !text.empty(); --edits) {
      const size_t at = below(text.size());
      const size_t length = std::min<size_t>(1 + below(24), text.size() - at);
      switch (below(5)) {
        case 0:
          text[at] = static_cast<char>(below(256));
          break;
        case 1:
          text.erase(at, length);
          break;
        case 2:
          text.insert(at, text.substr(below(text.size()), length));
          break;
        case 3:
          text.insert(at, kPieces[below(std::size(kPieces))]);
          break;
        default:
          text.resize(at);
      }
    }
    return text;
  }

 private:
  static constexpr const char* kPieces[] = {": ",
                                            "- ",
                                            "[",
                                            "]",
                                            "{",
                                            "}",
                                            "\n",
                                            "\n  ",
                                            "'",
                                            "\"",
                                            "&a ",
                                            "*a",
                                            "!!int ",
                                            "<<: ",
                                            "---\n",
                                            "# ",
                                            "? ",
                                            "|\n",
                                            ">\n",
                                            "${A}",
                                            "1e99",
                                            "-1",
                                            "1_0",
                                            "0x1",
                                            "I1..I9",
                                            "~",
                                            "I1..I999999999",
                                            "%YAML 1.2\n",
                                            "\xff",
                                            "\xfe\xff",
                                            "99999999999999999999",
                                            ".."};

  size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }

  std::mt19937_64 random_;
};

TEST(JobFileMutations, NeverCrashAndAreExplained) {
  ASSERT_TRUE(parse_job(kFull, "job.yaml").ok());
  Mutator mutator(test_seed());
  size_t refused = 0;
  for (int i = 0; i < 3'000; ++i) {
    const std::string text = mutator.mutate(kFull);
    const JobFileResult result = parse_job(text, "job.yaml");
    if (!result.ok()) {
      ++refused;
      continue;
    }
    // An accepted text is a job that can be written down and read again.
    const JobFileResult again = parse_job(write_resolved(result.job), "resolved.yaml");
    EXPECT_TRUE(again.ok()) << text << to_string(again.diagnostics);
  }
  EXPECT_GT(refused, 1'000u);
}

TEST(JobFileMutations, OfOverridesNeverCrash) {
  Mutator mutator(test_seed() + 1);
  for (int i = 0; i < 1'000; ++i)
    parse_job(kFull, "job.yaml",
              std::vector<std::string>{mutator.mutate("features.0.transform=[log1p, hash]"),
                                       mutator.mutate("ps.tables.user.dim=8")});
}

}  // namespace
}  // namespace cairn
