#include "worker/synthetic/best_scores.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include "common/check.h"

namespace cairn::synthetic {
namespace {

// p * log(q) without 0 * infinity.
double times_log(double p, double q) { return p == 0.0 ? 0.0 : p * std::log(q); }

// The chance that a positive stands above a negative, where sample i is positive with weight
// positive[i] and negative with the rest of 1. A sample makes no pair with itself.
double weighted_auc(std::span<const double> scores, std::span<const size_t> ascending,
                    const auto& positive) {
  double below = 0.0, above_pairs = 0.0, positives = 0.0, own_pairs = 0.0;
  for (size_t begin = 0, end = 0; begin < ascending.size(); begin = end) {
    double tied_positive = 0.0, tied_negative = 0.0;
    for (; end < ascending.size() && scores[ascending[end]] == scores[ascending[begin]]; ++end) {
      const double p = positive(ascending[end]);
      tied_positive += p;
      tied_negative += 1.0 - p;
      own_pairs += p * (1.0 - p);
    }
    above_pairs += tied_positive * (below + tied_negative / 2);
    below += tied_negative;
    positives += tied_positive;
  }
  const double pairs = positives * below - own_pairs;
  return pairs > 0.0 ? (above_pairs - own_pairs / 2) / pairs : 0.5;
}

}  // namespace

BestScores best_scores(std::string name, std::span<const double> probabilities,
                       std::span<const float> labels) {
  check(probabilities.size() == labels.size(), "a label for each probability");
  BestScores best;
  best.name = std::move(name);
  const size_t n = labels.size();
  if (n == 0) return best;
  std::vector<size_t> ascending(n);
  std::iota(ascending.begin(), ascending.end(), size_t{0});
  std::sort(ascending.begin(), ascending.end(),
            [&](size_t a, size_t b) { return probabilities[a] < probabilities[b]; });
  best.auc = weighted_auc(probabilities, ascending,
                          [&](size_t i) { return static_cast<double>(labels[i]); });
  best.expected_auc =
      weighted_auc(probabilities, ascending, [&](size_t i) { return probabilities[i]; });
  for (size_t i = 0; i < n; ++i) {
    const double p = probabilities[i], y = static_cast<double>(labels[i]);
    best.rate += y;
    best.logloss -= times_log(y, p) + times_log(1.0 - y, 1.0 - p);
    best.expected_logloss -= times_log(p, p) + times_log(1.0 - p, 1.0 - p);
  }
  for (double* mean : {&best.rate, &best.logloss, &best.expected_logloss})
    *mean /= static_cast<double>(n);
  return best;
}

}  // namespace cairn::synthetic
