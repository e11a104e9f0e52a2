#include "ps/policy/admission.h"

#include <algorithm>

#include "common/random.h"

namespace cairn::ps {

namespace {
// Sets these draws apart from those that others make with the job's seed.
constexpr uint64_t kPurpose = 0x61646d69742d3030ull;  // "admit-00"
}  // namespace

Admission::Admission(SlotRange slots, const AdmissionConfig& config, uint32_t table, uint64_t seed)
    : config_(config), table_(table), seed_(hash_key(seed ^ kPurpose)) {
  if (config.min_count <= 1) return;
  const uint64_t slot_bytes = std::max<uint64_t>(1, config.filter_bytes / kSlots);
  // So that two keys that collide in one table do not in all others.
  filter_.emplace(slots, static_cast<uint32_t>(slot_bytes), seed + table);
}

bool Admission::admits(Key key, uint64_t step) const {
  if (filter_.has_value()) return filter_->count(key) + 1 >= config_.min_count;
  if (config_.probability >= 1.0f) return true;
  // Steps have 32 bits (RowMeta).
  const PhiloxBlock bits = philox(seed_, key, uint64_t{table_} << 32 | static_cast<uint32_t>(step));
  return unit_float(bits[0]) < config_.probability;
}

void Admission::count(std::span<const Key> keys) {
  if (!filter_.has_value()) return;
  for (const Key key : keys) filter_->add(key);
}

}  // namespace cairn::ps
