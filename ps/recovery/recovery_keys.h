// The keys that steps touch, each once, in the order of the store. Thread safety: pure functions.
#pragma once

#include <span>
#include <vector>

#include "common/slots.h"
#include "ps/row/row.h"
#include "ps/step/step_assembler.h"

namespace cairn::ps {

// All keys are of `slots`.
std::vector<RowKey> keys_of(std::span<const StepAssembler::Step> steps, SlotRange slots);

}  // namespace cairn::ps
