// seconds = a + b x unique keys + c x logged rows, by least squares of relative errors: a recovery
// of one second counts as much as one of a minute. Thread safety: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace cairn {

struct Recovered {
  double seconds = 0, unique_keys = 0, logged_rows = 0;
};

struct FittedLine {
  double a = 0;         // seconds
  double b = 0, c = 0;  // seconds a million
  double at(double unique_keys, double logged_rows) const {
    return a + b * unique_keys / 1e6 + c * logged_rows / 1e6;
  }
};

// For three points or more that are not on one line. Solves the normal equations by elimination.
inline FittedLine fit(std::span<const Recovered> points) {
  std::array<std::array<double, 4>, 3> rows = {};
  for (const Recovered& point : points) {
    const double of_seconds = 1 / point.seconds;
    const std::array<double, 4> scaled = {of_seconds, point.unique_keys / 1e6 * of_seconds,
                                          point.logged_rows / 1e6 * of_seconds, 1};
    for (size_t i = 0; i < 3; ++i)
      for (size_t j = 0; j < 4; ++j) rows[i][j] += scaled[i] * scaled[j];
  }
  for (size_t i = 0; i < 3; ++i) {
    for (size_t k = 0; k < 3; ++k) {
      if (k == i) continue;
      const double factor = rows[k][i] / rows[i][i];
      for (size_t j = 0; j < 4; ++j) rows[k][j] -= factor * rows[i][j];
    }
  }
  return {rows[0][3] / rows[0][0], rows[1][3] / rows[1][1], rows[2][3] / rows[2][2]};
}

}  // namespace cairn
