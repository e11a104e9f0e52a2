#include "common/metrics/file_sd.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/common/temporary_folder.h"

namespace cairn {
namespace {

TEST(FileSd, ListsEveryTargetWithItsLabels) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "targets.json";
  const ScrapeTarget targets[] = {{"127.0.0.1:9400", "server", 0}, {"127.0.0.1:9401", "worker", 1}};
  ASSERT_TRUE(write_file_sd(path, targets).ok());

  const auto expected = nlohmann::json::parse(R"([
    {"targets": ["127.0.0.1:9400"], "labels": {"role": "server", "rank": "0"}},
    {"targets": ["127.0.0.1:9401"], "labels": {"role": "worker", "rank": "1"}}])");
  EXPECT_EQ(nlohmann::json::parse(std::ifstream(path)), expected);
}

TEST(FileSd, NoTargetsMakeAnEmptyListAndNotNull) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "targets.json";
  ASSERT_TRUE(write_file_sd(path, {}).ok());
  EXPECT_EQ(nlohmann::json::parse(std::ifstream(path)), nlohmann::json::array());
}

}  // namespace
}  // namespace cairn
