#include <algorithm>
#include <cmath>

#include "worker/math/ops/cpu/accumulate.h"
#include "worker/math/ops/loss_shapes.h"

namespace cairn::math::cpu {
namespace {

double scale_of(float scale, const float* factor) {
  return factor == nullptr ? double{scale} : double{scale} * *factor;
}

double weight_of(const LossTarget& target, size_t r) {
  return target.weights.empty() ? 1.0 : *target.weights.row(r);
}

void leave(const Gradient& gradient, size_t r, double value) {
  float& into = *gradient.into.row(r);
  into = static_cast<float>(value) + (gradient.adds() ? into : 0.0f);
}

template <typename Of>
double each_row(const LossInputs& in, Matrix predictions, const Gradient& dlogits, Of of) {
  check_target(in.target, predictions);
  check_column(in.logits, predictions.rows);
  check_column(dlogits.into, predictions.rows);
  const double scale = scale_of(in.target.scale, in.target.factor);
  double sum = 0.0;
  for (size_t r = 0; r < predictions.rows; ++r) {
    const double weight = weight_of(in.target, r);
    const RowLoss row = of(double{*in.logits.row(r)}, double{*in.target.labels.row(r)});
    sum += weight * row.loss;
    *predictions.row(r) = static_cast<float>(row.prediction);
    leave(dlogits, r, scale * weight * row.slope);
  }
  return sum;
}

// Neither end overflows: for z far below zero exp(-z) is infinite and the quotient zero.
double logistic(double z) { return 1.0 / (1.0 + std::exp(-z)); }

// log(1 + exp(z))
double softplus(double z) { return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))); }

}  // namespace

void bce(const LossInputs& in, Matrix predictions, const Gradient& dlogits, double* sum) {
  *sum = each_row(in, predictions, dlogits, [](double z, double y) -> RowLoss {
    const double p = logistic(z);
    return {std::max(z, 0.0) - z * y + std::log1p(std::exp(-std::abs(z))), p - y, p};
  });
}

void mse(const LossInputs& in, Matrix predictions, const Gradient& dlogits, double* sum) {
  *sum = each_row(in, predictions, dlogits, [](double z, double y) -> RowLoss {
    const double error = z - y;
    return {error * error, 2.0 * error, z};
  });
}

void focal(const LossInputs& in, float gamma, float alpha, Matrix predictions,
           const Gradient& dlogits, double* sum) {
  const double g = gamma, a = alpha;
  // For a label of 1, with p the probability of the truth; for a label of 0 the same with -z.
  const auto of_one = [g](double z) -> RowLoss {
    const double p = logistic(z), rest = logistic(-z), log_p = -softplus(-z);
    const double power = std::pow(rest, g);
    return {-power * log_p, power * (g * p * log_p - rest), p};
  };
  *sum = each_row(in, predictions, dlogits, [&](double z, double y) -> RowLoss {
    const RowLoss one = of_one(z), none = of_one(-z);
    return {y * a * one.loss + (1.0 - y) * (1.0 - a) * none.loss,
            y * a * one.slope - (1.0 - y) * (1.0 - a) * none.slope, one.prediction};
  });
}

void huber(const LossInputs& in, float delta, Matrix predictions, const Gradient& dlogits,
           double* sum) {
  const double d = delta;
  *sum = each_row(in, predictions, dlogits, [d](double z, double y) -> RowLoss {
    const double error = z - y, size = std::abs(error);
    return {size <= d ? 0.5 * error * error : d * (size - 0.5 * d), std::clamp(error, -d, d), z};
  });
}

void pairwise(const PairwiseInputs& in, Arena& arena, Matrix predictions, const Gradient& dlogits,
              double* total) {
  const size_t all = in.logits.cols;
  check(is(in.logits, 1, all) && is(in.labels, 1, all) && in.first + predictions.rows <= all,
        "pairwise: shapes differ");
  const float *z = in.logits.data, *y = in.labels.data;
  // Pairs of different labels: all, less those within each run of equal ones.
  const std::span<float> sorted = arena.array<float>(all);
  std::copy_n(y, all, sorted.begin());
  std::sort(sorted.begin(), sorted.end());
  double pairs = static_cast<double>(all) * static_cast<double>(all);
  for (size_t begin = 0, end = 0; begin < all; begin = end) {
    while (end < all && sorted[end] == sorted[begin]) ++end;
    pairs -= static_cast<double>(end - begin) * static_cast<double>(end - begin);
  }
  const double share = pairs > 0 ? 2.0 / pairs : 0.0, scale = scale_of(in.scale, in.factor);
  double sum = 0.0;
  for (size_t r = 0; r < predictions.rows; ++r) {
    const size_t i = in.first + r;
    double slope = 0.0;
    for (size_t j = 0; j < all; ++j) {
      if (y[i] == y[j]) continue;
      const double ahead = (double{z[i]} - z[j]) * (y[i] > y[j] ? 1.0 : -1.0);
      const double wrong = logistic(-ahead);  // how much the pair stands the wrong way round
      slope += y[i] > y[j] ? -wrong : wrong;
      if (y[i] > y[j]) sum += softplus(-ahead);
    }
    *predictions.row(r) = static_cast<float>(logistic(z[i]));
    leave(dlogits, r, scale * share * slope);
  }
  *total = in.rows * share * sum;
}

void bce_of_product(std::span<const ConstMatrix> logits, const LossTarget& target,
                    Matrix predictions, std::span<const Gradient> dlogits, double* total) {
  check_target(target, predictions);
  for (const ConstMatrix& z : logits) check_column(z, predictions.rows);
  const double scale = scale_of(target.scale, target.factor);
  double sum = 0.0;
  for (size_t r = 0; r < predictions.rows; ++r) {
    double log_p = 0.0;
    for (const ConstMatrix& z : logits) log_p -= softplus(-*z.row(r));
    const double p = std::exp(log_p), y = *target.labels.row(r), weight = weight_of(target, r);
    // 1 - p without cancellation; where it is no longer a number, p is one for all that matters.
    const double rest = std::max(-std::expm1(log_p), 1e-300);
    sum += weight * (-y * log_p - (1.0 - y) * std::log(rest));
    *predictions.row(r) = static_cast<float>(p);
    for (size_t i = 0; i < logits.size(); ++i) {
      if (!dlogits[i].wanted()) continue;
      const double rest_i = logistic(-*logits[i].row(r));  // 1 - p_i, at most 1 - p
      const double slope = rest_i * ((1.0 - y) * p / std::max(rest, rest_i) - y);
      leave(dlogits[i], r, scale * weight * slope);
    }
  }
  *total = sum;
}

void uncertainty_forward(ConstMatrix log_variances, Matrix precisions) {
  check(is(precisions, 1, log_variances.cols), "uncertainty: shapes differ");
  for (size_t t = 0; t < precisions.cols; ++t)
    precisions.data[t] = static_cast<float>(std::exp(-double{log_variances.data[t]}));
}

void uncertainty_backward(const UncertaintyInputs& in, Matrix dlog_variance) {
  *dlog_variance.data =
      static_cast<float>(in.share - in.scale * double{*in.precision.data} * *in.sum);
}

void sigmoid(ConstMatrix logits, Matrix predictions) {
  check_column(logits, predictions.rows);
  check_column(predictions, logits.rows);
  for (size_t r = 0; r < logits.rows; ++r)
    *predictions.row(r) = static_cast<float>(logistic(*logits.row(r)));
}

void product_of_sigmoids(std::span<const ConstMatrix> logits, Matrix predictions) {
  for (size_t r = 0; r < predictions.rows; ++r) {
    double log_p = 0.0;
    for (const ConstMatrix& z : logits) log_p -= softplus(-*z.row(r));
    *predictions.row(r) = static_cast<float>(std::exp(log_p));
  }
}

}  // namespace cairn::math::cpu
