#include "worker/data/columns.h"

#include <gtest/gtest.h>

#include "common/config/job_file.h"

namespace cairn::data {
namespace {

TEST(Columns, CriteoHasFortyOfThem) {
  const std::vector<std::string> names = criteo_columns();
  ASSERT_EQ(names.size(), 40u);
  EXPECT_EQ(names[0], "label");
  EXPECT_EQ(names[13], "I13");
  EXPECT_EQ(names[39], "C26");
}

TEST(Columns, NearestFindsATypoAndNothingWhereNothingIsNear) {
  const std::vector<std::string> names = {"user", "movie", "rating"};
  EXPECT_EQ(nearest_column("ratng", names), "rating");
  EXPECT_EQ(nearest_column("moive", names), "movie");
  EXPECT_EQ(nearest_column("zzzzzzzz", names), "");
}

}  // namespace
}  // namespace cairn::data
