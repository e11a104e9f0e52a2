// Pooling of the ids of a bag by attention over a target, in three operations. Between the first
// and the second a small network makes the scores. Source: Zhou et al., "Deep Interest Network for
// Click-Through Rate Prediction", KDD 2018, eq. 3 and figure 2; the difference beside the product
// is from the authors' code.
//
// The occurrences of all bags stand one below the other: row i of the n rows belongs to id i of the
// bags. Its table row is k_i, and t_i is the target of its bag. n may exceed the number of ids, so
// that few shapes occur; the rows behind them are zero, and nothing reads them.
//
// attention_inputs: y_i = [k, t, k - t, k * t]. Shapes: table [unique, dim]; target [batch, dim];
//                   y [n, 4 dim].
// bag_softmax:      the softmax over the scores of each bag. Shapes: scores, y [n, 1].
// weighted_pool:    y_r = sum over the ids i of bag r of score_i k_i; zero for an empty bag.
//                   Shapes: scores [n, 1]; y [batch, dim].
//
// Row-major float32. Outputs may not overlap inputs. Backward adds row by row and id by id.
#pragma once

#include "worker/math/ops/embedding.h"

namespace cairn::math {

struct AttentionInputs {
  BagView bag;
  ConstMatrix table, target;
};
struct AttentionGradients {
  Gradient table, target;
};

struct WeightedPoolInputs {
  BagView bag;
  ConstMatrix table, scores;
};
struct WeightedPoolGradients {
  Gradient table, scores;
};

}  // namespace cairn::math
