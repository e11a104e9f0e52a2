// The keys that steps touch, each once, in the order of the store. Thread safety: pure functions.
#pragma once

#include <span>
#include <vector>

#include "common/slots.h"
#include "ps/step/push_gather.h"
#include "ps/row/row.h"

namespace cairn {

// All keys are of `slots`.
std::vector<RowKey> keys_of(std::span<const PushGather::Step> steps, SlotRange slots);

}  // namespace cairn
