// The learning rate of a step. Servers use it for rows, workers for dense parameters. All know the
// step, so neither tells the other. Thread safety: pure function.
#pragma once

#include <cstdint>

#include "common/config/schedule_config.h"

namespace cairn {

// The rate of step `step` of the job, from 1. The rate rises linearly to `base` over the first W =
// warmup_steps steps. It is `base` at step W. After that, with t = step - W and n = decay_steps:
//   constant      base
//   step          base factor^floor(t / n)
//   cosine        base (factor + (1 - factor) (1 + cos(pi min(t / n, 1))) / 2)
//   inverse_sqrt  base sqrt(max(W, 1) / step)
// Sources: cosine: Loshchilov, Hutter, "SGDR", arXiv:1608.03983, equation 5, without restarts;
// inverse_sqrt: Vaswani et al., "Attention is all you need", arXiv:1706.03762, equation 3; linear
// warm-up: Goyal et al., arXiv:1706.02677, section 2.2.
float learning_rate(float base, const ScheduleConfig& schedule, uint64_t step);

}  // namespace cairn
