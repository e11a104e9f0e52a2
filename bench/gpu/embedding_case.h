// Pooled embeddings alone: 26 bags of one id over one table of a million rows of dim 128, Zipf 1.05
// keys made unique before; forward, and the backward whose sums have one order.
#pragma once

#include "bench/gpu/machine.h"

namespace cairn::gpu {

struct EmbeddingTime {
  double seconds;  // on the device
  // The bytes that memory must move: ids, each unique row once, outputs; ids, outputs' gradients,
  // each unique row's gradient once. Nothing of the sort between.
  double bytes;
  // The same with a row read again for every id of it, as most such figures count; a cache spares
  // it.
  double bytes_by_id;
};

EmbeddingTime measure_embedding(const Machine& machine, size_t batch);

}  // namespace cairn::gpu
