// Counts, in bounded memory, about how often each key of a table was seen. It is a counting Bloom
// filter with conservative update: a key shares counters with others and is never counted too low.
// Sources: Fan, Cao, Almeida, Broder, "Summary cache", ToN 8 (2000); Estan and Varghese, "New
// directions in traffic measurement and accounting", SIGCOMM 2002 (conservative update).
//
// Each slot has `slot_bytes` counters of its own, of 8 bits, which stay at 255 once there. A slot's
// counters depend on the keys of that slot alone, in the order added. They do not depend on the
// number of shards. A slot and its counters move together. Counters never fall: a filter fills up
// over a job's life, and a rare key may then be counted too high.
//
// A save takes all slots as they stand at one moment. It goes slot by slot while keys are added: a
// slot about to change before its turn is set aside as it was. Thread safety: none; a shard's
// thread owns it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/hash.h"
#include "common/slots.h"
#include "ps/system/pages.h"

namespace cairn::ps {

class KeyFilter {
 public:
  static constexpr uint32_t kCountMax = 255;

  // `slot_bytes` is at least 1. `seed` is the job's, so that keys do not collide alike in every
  // job.
  KeyFilter(SlotRange slots, uint32_t slot_bytes, uint64_t seed);

  // At least the number of times that the key was added, or kCountMax.
  uint32_t count(Key key) const;
  void add(Key key);

  bool changed_since_save() const { return changed_; }
  // From now on `saved` gives slots as they stand now. Ends the save before.
  void begin_save();
  // The counters of a slot at the last begin_save. Slots are asked for in ascending order, once per
  // save.
  std::string saved(uint32_t slot);

  // False, and nothing changed, where the bytes are not slot_bytes.
  [[nodiscard]] bool load(uint32_t slot, std::string_view counters);

  SlotRange slots() const { return slots_; }
  uint32_t slot_bytes() const { return slot_bytes_; }

 private:
  static constexpr unsigned kHashes = 4;
  struct Places {
    uint8_t* counters[kHashes];
  };
  Places places_of(Key key) const;
  uint8_t* counters_of(uint32_t slot) const;

  const SlotRange slots_;
  const uint32_t slot_bytes_;
  const uint64_t seed_;
  Pages pages_;
  bool changed_ = false;
  uint32_t save_from_;  // slots from here on are still to be saved
  std::map<uint32_t, std::string> set_aside_;
};

}  // namespace cairn::ps
