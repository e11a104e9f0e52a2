#include <algorithm>
#include <cmath>

#include "worker/ops/cpu/cpu.h"

namespace cairn::cpu {
namespace {

void check_column(ConstMatrix m, size_t rows) {
  check(m.cols == 1 && m.rows == rows, "loss: not one column of the batch");
}

void check_shapes(const LossInputs& in, ConstMatrix predictions, ConstMatrix dlogits) {
  for (const ConstMatrix& m : {in.logits, in.labels, predictions, dlogits})
    check_column(m, in.logits.rows);
}

// Neither end overflows: for z far below zero exp(-z) is infinite and the quotient zero.
double logistic(double z) { return 1.0 / (1.0 + std::exp(-z)); }

}  // namespace

double bce(const LossInputs& in, Matrix predictions, Matrix dlogits) {
  check_shapes(in, predictions, dlogits);
  double sum = 0.0;
  for (size_t r = 0; r < in.logits.rows; ++r) {
    const double z = *in.logits.row(r), y = *in.labels.row(r), p = logistic(z);
    sum += std::max(z, 0.0) - z * y + std::log1p(std::exp(-std::abs(z)));
    *predictions.row(r) = static_cast<float>(p);
    *dlogits.row(r) = static_cast<float>(in.scale * (p - y));
  }
  return sum;
}

double mse(const LossInputs& in, Matrix predictions, Matrix dlogits) {
  check_shapes(in, predictions, dlogits);
  double sum = 0.0;
  for (size_t r = 0; r < in.logits.rows; ++r) {
    const double z = *in.logits.row(r), error = z - *in.labels.row(r);
    sum += error * error;
    *predictions.row(r) = static_cast<float>(z);
    *dlogits.row(r) = static_cast<float>(2.0 * in.scale * error);
  }
  return sum;
}

void sigmoid(ConstMatrix logits, Matrix predictions) {
  check_column(logits, predictions.rows);
  check_column(predictions, logits.rows);
  for (size_t r = 0; r < logits.rows; ++r)
    *predictions.row(r) = static_cast<float>(logistic(*logits.row(r)));
}

}  // namespace cairn::cpu
