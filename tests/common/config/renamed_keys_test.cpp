// Keys of job files that have a new name go on working under their old one, and say so once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config/job_file.h"
#include "common/config/resolved.h"
#include "tests/common/config/job_text.h"

namespace cairn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> warnings(const JobFileResult& result) {
  std::vector<std::string> lines;
  for (const Diagnostic& warning : result.warnings) lines.push_back(warning.text());
  return lines;
}

TEST(RenamedKeys, AnOldNameIsReadAndWarnedOfOnceWithTheNewOne) {
  const std::string text =
      job_with("  batch_size: 512",
               "  early_pulls: true\nps: {policy_period: 77}\n# data has its own below");
  const JobFileResult result =
      parse_job(text, "job.yaml", std::vector<std::string>{"data.max_bad_rows=5"});
  ASSERT_TRUE(result.ok()) << to_string(result.diagnostics);
  EXPECT_TRUE(result.job.train.speculative_pulls);
  EXPECT_EQ(result.job.ps.removal_period, 77u);
  EXPECT_EQ(result.job.data.max_bad_samples, 5u);
  EXPECT_THAT(
      warnings(result),
      ElementsAre("job.yaml:19:3: train.early_pulls: has a new name; write speculative_pulls (the "
                  "next version knows only that)",
                  "job.yaml:20:6: ps.policy_period: has a new name; write removal_period (the next "
                  "version knows only that)",
                  HasSubstr("data.max_bad_rows: has a new name; write max_bad_samples")));
}

TEST(RenamedKeys, TheNewNamesAreQuietAndAreWhatAResolvedJobHas) {
  const JobFileResult result =
      parse_job(job_with("  batch_size: 512", "  speculative_pulls: true"), "job.yaml");
  ASSERT_TRUE(result.ok()) << to_string(result.diagnostics);
  EXPECT_THAT(warnings(result), IsEmpty());
  const std::string resolved = write_resolved(result.job);
  EXPECT_THAT(resolved, HasSubstr("speculative_pulls: true"));
  EXPECT_THAT(resolved, Not(HasSubstr("early_pulls")));
}

TEST(RenamedKeys, BothNamesOfAKeyAreAnError) {
  EXPECT_THAT(
      problems(job_with("  batch_size: 512", "  early_pulls: true\n  speculative_pulls: false")),
      ElementsAre("job.yaml:19:3: train.early_pulls: is the old name of speculative_pulls; "
                  "give speculative_pulls alone"));
}

TEST(RenamedKeys, AnOverrideWinsUnderEitherName) {
  const std::vector<std::string> old_names = {"train.early_pulls=true"},
                                 new_names = {"train.speculative_pulls=true"};
  for (const char* in_file : {"  early_pulls: false", "  speculative_pulls: false"})
    for (const auto& overrides : {old_names, new_names}) {
      const JobFileResult result =
          parse_job(job_with("  batch_size: 512", in_file), "job.yaml", overrides);
      ASSERT_TRUE(result.ok()) << to_string(result.diagnostics);
      EXPECT_TRUE(result.job.train.speculative_pulls) << in_file << ", " << overrides[0];
    }
}

TEST(RenamedKeys, AnErrorInAnOldKeysValueNamesTheNewKey) {
  EXPECT_THAT(problems(job_with("  batch_size: 512", "  early_pulls: perhaps")),
              ElementsAre(HasSubstr("job.yaml:19:16: train.speculative_pulls: ")));
}

}  // namespace
}  // namespace cairn
