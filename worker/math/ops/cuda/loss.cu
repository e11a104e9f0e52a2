#include <cmath>

#include "worker/math/ops/cuda/cuda_kernels.h"
#include "worker/math/ops/cuda/reductions.h"
#include "worker/math/ops/cuda/view.h"
#include "worker/math/ops/loss_shapes.h"

namespace cairn::math::CAIRN_KERNELS {
namespace {

constexpr size_t kRowsAtOnce = 64;  // per sum over the batch: a loss is costly in double

// A LossTarget as bodies see it.
struct Labels {
  ConstView labels, weights;
  float scale;
  const float* factor;

  explicit Labels(const LossTarget& target)
      : labels(view(target.labels)),
        weights(view(target.weights)),
        scale(target.scale),
        factor(target.factor) {}

  CAIRN_INLINE double label(size_t r) const { return labels.at(r, 0); }
  CAIRN_INLINE double weight(size_t r) const { return weights.data ? weights.at(r, 0) : 1.0; }
  // The factor of the gradient.
  CAIRN_INLINE double scale_of(size_t r) const {
    return weight(r) * static_cast<double>(scale) * (factor ? static_cast<double>(*factor) : 1.0);
  }
};

// Neither end overflows: for z far below zero exp(-z) is infinite and the quotient zero.
CAIRN_INLINE double logistic(double z) { return 1.0 / (1.0 + std::exp(-z)); }

// log(1 + exp(z))
CAIRN_INLINE double softplus(double z) {
  return std::fmax(z, 0.0) + std::log1p(std::exp(-std::fabs(z)));
}

struct Bce {
  CAIRN_INLINE RowLoss operator()(double z, double y) const {
    const double p = logistic(z);
    return {std::fmax(z, 0.0) - z * y + std::log1p(std::exp(-std::fabs(z))), p - y, p};
  }
};

struct Mse {
  CAIRN_INLINE RowLoss operator()(double z, double y) const {
    const double error = z - y;
    return {error * error, 2.0 * error, z};
  }
};

struct Focal {
  double gamma, alpha;

  // For a label of 1, with p the probability of the truth; for a label of 0 the same with -z.
  CAIRN_INLINE RowLoss of_one(double z) const {
    const double p = logistic(z), rest = logistic(-z), log_p = -softplus(-z);
    const double power = std::pow(rest, gamma);
    return {-power * log_p, power * (gamma * p * log_p - rest), p};
  }
  CAIRN_INLINE RowLoss operator()(double z, double y) const {
    const RowLoss one = of_one(z), none = of_one(-z);
    return {y * alpha * one.loss + (1.0 - y) * (1.0 - alpha) * none.loss,
            y * alpha * one.slope - (1.0 - y) * (1.0 - alpha) * none.slope, one.prediction};
  }
};

struct Huber {
  double delta;

  CAIRN_INLINE RowLoss operator()(double z, double y) const {
    const double error = z - y, size = std::fabs(error);
    return {size <= delta ? 0.5 * error * error : delta * (size - 0.5 * delta),
            std::fmax(-delta, std::fmin(error, delta)), z};
  }
};

double* doubles_of_scratch(size_t count) {
  return static_cast<double*>(device().scratch(count * sizeof(double)));
}

template <typename Of>
void each_row(const LossInputs& in, Matrix predictions, const Gradient& dlogits, Of of,
              double* total) {
  check_target(in.target, predictions);
  check_column(in.logits, predictions.rows);
  check_column(dlogits.into, predictions.rows);
  const ConstView logits = view(in.logits);
  const View predicted = view(predictions);
  const Target gradient(dlogits);
  const Labels target(in.target);
  sum_all<1, kRowsAtOnce>(
      predictions.rows, doubles_of_scratch(sum_scratch<1, kRowsAtOnce>(predictions.rows)),
      [=] CAIRN_BODY(size_t r, double* sums) {
        const RowLoss row = of(logits.at(r, 0), target.label(r));
        predicted.at(r, 0) = static_cast<float>(row.prediction);
        gradient.leave(r, 0, static_cast<float>(target.scale_of(r) * row.slope));
        sums[0] += target.weight(r) * row.loss;
      },
      [=] CAIRN_BODY(const double* sums) { *total = sums[0]; });
}

struct Logits {
  ConstView of[kTasksMax];
  size_t count;

  explicit Logits(std::span<const ConstMatrix> logits) : count(logits.size()) {
    check(count <= kTasksMax, "loss: a product of too many tasks");
    for (size_t i = 0; i < count; ++i) of[i] = view(logits[i]);
  }
  CAIRN_INLINE double log_of_product(size_t r) const {
    double log_p = 0.0;
    for (size_t i = 0; i < count; ++i) log_p -= softplus(-static_cast<double>(of[i].at(r, 0)));
    return log_p;
  }
};

struct Targets {
  Target of[kTasksMax];
};

}  // namespace

void bce(const LossInputs& in, Matrix predictions, const Gradient& dlogits, double* sum) {
  each_row(in, predictions, dlogits, Bce{}, sum);
}

void mse(const LossInputs& in, Matrix predictions, const Gradient& dlogits, double* sum) {
  each_row(in, predictions, dlogits, Mse{}, sum);
}

void focal(const LossInputs& in, float gamma, float alpha, Matrix predictions,
           const Gradient& dlogits, double* sum) {
  each_row(in, predictions, dlogits, Focal{gamma, alpha}, sum);
}

void huber(const LossInputs& in, float delta, Matrix predictions, const Gradient& dlogits,
           double* sum) {
  each_row(in, predictions, dlogits, Huber{delta}, sum);
}

void pairwise(const PairwiseInputs& in, Arena&, Matrix predictions, const Gradient& dlogits,
              double* total) {
  const size_t all = in.logits.cols, rows = predictions.rows, first = in.first;
  check(is(in.logits, 1, all) && is(in.labels, 1, all) && first + rows <= all,
        "pairwise: shapes differ");
  const float *z = in.logits.data, *y = in.labels.data;
  // One scratch for all: ordered pairs of different labels by row, then their number; the losses by
  // row; and what the sums want.
  double* by_row = doubles_of_scratch(all + 1 + rows + sum_scratch<1, kRowsAtOnce>(all));
  double *pairs = by_row + all, *losses = pairs + 1, *parts = losses + rows;
  reduce_rows<1>(
      all, all,
      [=] CAIRN_BODY(size_t i, size_t j, double* sums) { sums[0] += y[i] != y[j] ? 1.0 : 0.0; },
      [=] CAIRN_BODY(size_t i, const double* sums) { by_row[i] = sums[0]; });
  sum_all<1, kRowsAtOnce>(
      all, parts, [=] CAIRN_BODY(size_t i, double* sums) { sums[0] += by_row[i]; },
      [=] CAIRN_BODY(const double* sums) { *pairs = sums[0]; });

  const View predicted = view(predictions);
  const Target gradient(dlogits);
  const double scale = in.scale, global_rows = in.rows;
  const float* factor = in.factor;
  reduce_rows<2>(
      rows, all,
      [=] CAIRN_BODY(size_t r, size_t j, double* sums) {
        const size_t i = first + r;
        if (y[i] == y[j]) return;
        const double difference = static_cast<double>(z[i]) - static_cast<double>(z[j]);
        const double ahead = y[i] > y[j] ? difference : -difference;
        const double wrong = logistic(-ahead);  // how much the pair stands the wrong way round
        sums[0] += y[i] > y[j] ? -wrong : wrong;
        if (y[i] > y[j]) sums[1] += softplus(-ahead);
      },
      [=] CAIRN_BODY(size_t r, const double* sums) {
        const double share = *pairs > 0.0 ? 2.0 / *pairs : 0.0;
        const double of_gradient = scale * (factor ? static_cast<double>(*factor) : 1.0) * share;
        predicted.at(r, 0) = static_cast<float>(logistic(z[first + r]));
        gradient.leave(r, 0, static_cast<float>(of_gradient * sums[0]));
        losses[r] = share * sums[1];
      });
  sum_all<1, kRowsAtOnce>(
      rows, parts, [=] CAIRN_BODY(size_t r, double* sums) { sums[0] += losses[r]; },
      [=] CAIRN_BODY(const double* sums) { *total = global_rows * sums[0]; });
}

void bce_of_product(std::span<const ConstMatrix> logits, const LossTarget& target,
                    Matrix predictions, std::span<const Gradient> dlogits, double* total) {
  check_target(target, predictions);
  for (const ConstMatrix& z : logits) check_column(z, predictions.rows);
  const Logits z(logits);
  Targets gradients;
  for (size_t i = 0; i < logits.size(); ++i) gradients.of[i] = Target(dlogits[i]);
  const Labels of(target);
  const View predicted = view(predictions);
  sum_all<1, kRowsAtOnce>(
      predictions.rows, doubles_of_scratch(sum_scratch<1, kRowsAtOnce>(predictions.rows)),
      [=] CAIRN_BODY(size_t r, double* sums) {
        const double log_p = z.log_of_product(r), p = std::exp(log_p), y = of.label(r);
        // 1 - p without cancellation; where it is no longer a number, p is one for all that
        // matters.
        const double rest = std::fmax(-std::expm1(log_p), 1e-300);
        predicted.at(r, 0) = static_cast<float>(p);
        for (size_t i = 0; i < z.count; ++i) {
          const double rest_i = logistic(-static_cast<double>(z.of[i].at(r, 0)));  // at most 1 - p
          const double slope = rest_i * ((1.0 - y) * p / std::fmax(rest, rest_i) - y);
          gradients.of[i].leave(r, 0, static_cast<float>(of.scale_of(r) * slope));
        }
        sums[0] += of.weight(r) * (-y * log_p - (1.0 - y) * std::log(rest));
      },
      [=] CAIRN_BODY(const double* sums) { *total = sums[0]; });
}

void uncertainty_forward(ConstMatrix log_variances, Matrix precisions) {
  check(is(precisions, 1, log_variances.cols), "uncertainty: shapes differ");
  const float* s = log_variances.data;
  float* to = precisions.data;
  for_each(precisions.cols, [=] CAIRN_BODY(size_t t) {
    to[t] = static_cast<float>(std::exp(-static_cast<double>(s[t])));
  });
}

void uncertainty_backward(const UncertaintyInputs& in, Matrix dlog_variance) {
  const float* precision = in.precision.data;
  const double *sum = in.sum, scale = in.scale, share = in.share;
  float* to = dlog_variance.data;
  for_each(1, [=] CAIRN_BODY(size_t) {
    *to = static_cast<float>(share - scale * static_cast<double>(*precision) * *sum);
  });
}

void sigmoid(ConstMatrix logits, Matrix predictions) {
  check_column(logits, predictions.rows);
  check_column(predictions, logits.rows);
  const ConstView z = view(logits);
  const View to = view(predictions);
  for_each(logits.rows,
           [=] CAIRN_BODY(size_t r) { to.at(r, 0) = static_cast<float>(logistic(z.at(r, 0))); });
}

void product_of_sigmoids(std::span<const ConstMatrix> logits, Matrix predictions) {
  for (const ConstMatrix& z : logits) check_column(z, predictions.rows);
  const Logits z(logits);
  const View to = view(predictions);
  for_each(predictions.rows, [=] CAIRN_BODY(size_t r) {
    to.at(r, 0) = static_cast<float>(std::exp(z.log_of_product(r)));
  });
}

}  // namespace cairn::math::CAIRN_KERNELS
