#include "tests/worker/math/models/fixtures.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

namespace cairn::math {

std::map<std::string, FixtureCase> read_fixtures(const std::string& file_name) {
  std::ifstream file(CAIRN_SOURCE_DIR "/tests/worker/math/models/fixtures/" + file_name);
  std::map<std::string, FixtureCase> cases;
  std::string line, current, name;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    words >> name;
    if (name == "case") {
      words >> current;
      continue;
    }
    FixtureArray& array = cases[current][name];
    words >> array.rows >> array.cols;
    for (double value; words >> value;) array.values.push_back(static_cast<float>(value));
    EXPECT_EQ(array.values.size(), array.rows * array.cols) << current << " " << name;
  }
  return cases;
}

std::string numbered(const char* name, size_t number) { return fmt::format("{}{}", name, number); }

void expect_close(const std::vector<float>& want, ConstMatrix got, const std::string& what) {
  float largest = 1.0f;
  for (const float w : want) largest = std::max(largest, std::abs(w));
  ASSERT_EQ(got.rows * got.cols, want.size()) << what;
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(got.row(i / got.cols)[i % got.cols], want[i], 3e-6 * largest) << what << " " << i;
}

}  // namespace cairn::math
