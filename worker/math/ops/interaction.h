// Products of a row's inputs with each other. Row-major float32; outputs may not overlap inputs.
//
// combine:  y = x0 * mixed + x, elementwise: what every cross layer of DCN-V2 ends in, whatever
// made
//           `mixed`. Shapes: all [batch, dim].
// vector_cross: y = x0 (x . weight) + bias + x, the layer of DCN. Source: Wang et al., "Deep &
// Cross
//           Network", ADKDD 2017, eq. 3. Shapes: x0, x, y [batch, dim]; weight, bias [1, dim].
// pairs:    of fields v_f side by side in x [batch, fields * dim]: y = sum over pairs f < g of
//           v_f * v_g = ((sum v_f)^2 - sum v_f^2) / 2, [batch, dim]. Its sum over dim is the
//           second-order part of a factorization machine. Sources: Rendle, ICDM 2010, eq. 1 and 5;
//           He and Chua, SIGIR 2017, eq. 4.
// dots:     of the same x, the inner products <v_f, v_g> of pairs g < f, f ascending, then g:
//           [batch, fields (fields - 1) / 2]. Source: Naumov et al., DLRM, arXiv:1906.00091.
// number_fields: each number times a vector of its own: y [batch, numbers * dim], where part i is
//           x_i * vectors_i; x [batch, numbers], vectors [numbers, dim].
// sum_groups: x [batch, groups * cols], the groups side by side, to their sum [batch, cols].
#pragma once

#include "worker/math/ops/gradient.h"

namespace cairn {

struct CombineInputs {
  ConstMatrix x0, mixed, x;
};
// Several of these may be the same matrix: those after the first add.
struct CombineGradients {
  Gradient x0, mixed, x;
};

struct VectorCrossInputs {
  ConstMatrix x0, x, weight, bias;
};
struct VectorCrossGradients {
  Gradient x0, x, weight, bias;  // x0 and x as above
};

}  // namespace cairn
