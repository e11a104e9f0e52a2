#include "worker/evaluation/quality.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "common/check.h"

namespace cairn::evaluation {
namespace {

constexpr uint64_t kPairsMax = uint64_t{1} << 32;  // keeps twice the pairs of rows below 2^64
constexpr double kClip = 1e-7;

// Adds with the error of each addition kept aside.
// Source: Neumaier, ZAMM 54 (1974), 39-51.
class ExactishSum {
 public:
  void add(double x) {
    const double sum = sum_ + x;
    lost_ += std::abs(sum_) >= std::abs(x) ? (sum_ - sum) + x : (x - sum) + sum_;
    sum_ = sum;
  }
  double value() const { return sum_ + lost_; }

 private:
  double sum_ = 0.0, lost_ = 0.0;
};

bool is_positive(const PredictionPair& pair) { return pair.label > 0.5f; }

// Mann-Whitney U over the sorted pairs: for each positive, the negatives below it and half of those
// tied.
std::optional<double> sorted_auc(std::span<const PredictionPair> pairs) {
  uint64_t twice_won = 0, positives = 0, negatives = 0;
  for (size_t begin = 0, end = 0; begin < pairs.size(); begin = end) {
    uint64_t tied_positives = 0;
    for (; end < pairs.size() && pairs[end].prediction == pairs[begin].prediction; ++end)
      tied_positives += is_positive(pairs[end]);
    const uint64_t tied_negatives = end - begin - tied_positives;
    twice_won += tied_positives * (2 * negatives + tied_negatives);
    positives += tied_positives;
    negatives += tied_negatives;
  }
  if (positives == 0 || negatives == 0) return std::nullopt;
  return static_cast<double>(twice_won) / 2.0 /
         (static_cast<double>(positives) * static_cast<double>(negatives));
}

double mean_logloss(std::span<const PredictionPair> pairs) {
  ExactishSum sum;
  for (const auto& [prediction, label] : pairs) {
    const double p = std::clamp(static_cast<double>(prediction), kClip, 1.0 - kClip);
    sum.add(-(label * std::log(p) + (1.0 - label) * std::log1p(-p)));
  }
  return sum.value() / static_cast<double>(pairs.size());
}

double root_mean_square_error(std::span<const PredictionPair> pairs) {
  ExactishSum sum;
  for (const auto& [prediction, label] : pairs) {
    const double error = static_cast<double>(prediction) - static_cast<double>(label);
    sum.add(error * error);
  }
  return std::sqrt(sum.value() / static_cast<double>(pairs.size()));
}

std::optional<double> mean_ratio(std::span<const PredictionPair> pairs) {
  ExactishSum predictions, labels;
  for (const auto& [prediction, label] : pairs) {
    predictions.add(prediction);
    labels.add(label);
  }
  if (labels.value() == 0.0) return std::nullopt;
  return predictions.value() / labels.value();
}

}  // namespace

TaskQuality measure(std::vector<PredictionPair> pairs, Loss loss) {
  check(pairs.size() <= kPairsMax, "an evaluation has at most 2^32 rows");
  TaskQuality quality;
  quality.samples = pairs.size();
  const bool defined = std::none_of(pairs.begin(), pairs.end(), [](const PredictionPair& pair) {
    return std::isnan(pair.prediction) || std::isnan(pair.label);
  });
  if (pairs.empty() || !defined) return quality;

  // Also gives the sums one order.
  std::sort(pairs.begin(), pairs.end(), [](const PredictionPair& a, const PredictionPair& b) {
    return a.prediction != b.prediction ? a.prediction < b.prediction : a.label < b.label;
  });
  if (is_binary(loss)) {
    quality.auc = sorted_auc(pairs);
    quality.logloss = mean_logloss(pairs);
  } else {
    quality.rmse = root_mean_square_error(pairs);
  }
  quality.calibration = mean_ratio(pairs);
  return quality;
}

std::optional<double> quality_named(const TaskQuality& quality, std::string_view name) {
  if (name == "auc") return quality.auc;
  if (name == "logloss") return quality.logloss;
  if (name == "rmse") return quality.rmse;
  if (name == "calibration") return quality.calibration;
  return std::nullopt;
}

}  // namespace cairn::evaluation
