// Products of a row's inputs with each other. Row-major float32; outputs may not overlap inputs.
//
// combine: y = x0 * mixed + x, elementwise. Every cross layer of DCN-V2 ends in it, whatever made
//     `mixed`. Shapes: all [batch, dim].
// vector_cross: y = x0 (x . weight) + bias + x, the layer of DCN. Source: Wang et al., "Deep &
//     Cross Network", ADKDD 2017, eq. 3. Shapes: x0, x, y [batch, dim]; weight, bias [1, dim].
// pairs: y = sum over pairs f < g of v_f * v_g = ((sum v_f)^2 - sum v_f^2) / 2, [batch, dim], where
//     the fields v_f stand side by side in x [batch, fields * dim]. Its sum over dim is the
//     second-order part of a factorization machine. Sources: Rendle, ICDM 2010, eq. 1 and 5; He and
//     Chua, SIGIR 2017, eq. 4.
// dots: the inner products <v_f, v_g> of pairs g < f of the same x, by f, then by g: y
//     [batch, fields (fields - 1) / 2]. Source: Naumov et al., DLRM, arXiv:1906.00091.
// number_fields: each number times a vector of its own: part i of y [batch, numbers * dim] is
//     x_i * vectors_i. Shapes: x [batch, numbers]; vectors [numbers, dim].
// sum_groups: the sum y [batch, cols] of the groups that stand side by side in
//     x [batch, groups * cols].
#pragma once

#include "worker/math/ops/gradient.h"

namespace cairn::math {

struct CombineInputs {
  ConstMatrix x0, mixed, x;
};
// Several of these may be the same matrix: the first replaces it, those behind add.
struct CombineGradients {
  Gradient x0, mixed, x;
};

struct VectorCrossInputs {
  ConstMatrix x0, x, weight, bias;
};
struct VectorCrossGradients {
  Gradient x0, x, weight, bias;  // x0 and x may be the same matrix, as above
};

}  // namespace cairn::math
