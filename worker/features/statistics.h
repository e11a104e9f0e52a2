// Statistics of the training data that standardizing needs: mean and deviation of each feature,
// kept with the model.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/result.h"

namespace cairn::features {

// Count, mean and sum of squared distances from the mean.
// Sources: Welford, Technometrics 4 (1962); merging: Chan, Golub, LeVeque, COMPSTAT 1982.
// Travels between workers as its bytes.
struct Moments {
  uint64_t count = 0;
  double mean = 0.0, squares = 0.0;

  void add(double x);
  void merge(const Moments& other);
  double deviation() const;  // of the population; 1 where all values are the same or there are none
  friend bool operator==(const Moments&, const Moments&) = default;
};
static_assert(std::is_trivially_copyable_v<Moments> && sizeof(Moments) == 24);

// By name of feature.
struct Statistics {
  std::map<std::string, Moments> features;

  std::string to_json() const;  // numbers come back with the same bits
  // Errors: kCorrupt.
  static Result<Statistics> from_json(std::string_view text);
  friend bool operator==(const Statistics&, const Statistics&) = default;
};

// Merges `partials` [readers, names] in the order of readers, so that the bits do not depend on
// which worker read what.
Statistics merge_statistics(const std::vector<std::string>& names,
                            std::span<const Moments> partials);

}  // namespace cairn::features
