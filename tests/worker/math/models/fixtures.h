// Results of PyTorch, as make_fixtures.py and make_model_fixtures.py wrote them down.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "worker/math/tensor/tensor.h"

namespace cairn::math {

struct FixtureArray {
  size_t rows = 0, cols = 0;
  std::vector<float> values;
  Matrix view() { return {values.data(), rows, cols}; }
};
using FixtureCase = std::map<std::string, FixtureArray>;  // by the array's name

// The cases of a file in tests/worker/math/models/fixtures/, by name.
std::map<std::string, FixtureCase> read_fixtures(const std::string& file);

std::string numbered(const char* name, size_t number);  // "in0"

// To a few units in the last place of float32 of the largest.
void expect_close(const std::vector<float>& want, ConstMatrix got, const std::string& what);

}  // namespace cairn::math
