// How often each key of a table was seen, about, in bounded memory: a counting Bloom filter with
// conservative update, so that a key shares counters with others and is never counted too low.
// Sources: Fan, Cao, Almeida, Broder, "Summary cache", ToN 8 (2000); Estan and Varghese, "New
// directions in traffic measurement and accounting", SIGCOMM 2002 (conservative update).
//
// Each slot has counters of its own, `slot_bytes` of 8 bits that stay at 255 once there: what a
// slot's counters say depends on the keys of that slot alone, in the order added, and not on the
// number of shards. A slot and its counters move together. Counters never fall: a filter fills up
// over a job's life, and a rare key may then be counted too high.
//
// A save is taken of all slots as they stand at one moment, slot by slot while keys are added: a
// slot that changes first is set aside as it was. Thread safety: none; a shard's thread owns it.
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

  // slot_bytes: at least 1. seed: of the job, so that keys do not collide alike in every job.
  KeyFilter(SlotRange slots, uint32_t slot_bytes, uint64_t seed);

  // At least the number of times that the key was added, or kCountMax.
  uint32_t count(Key key) const;
  void add(Key key);

  bool changed_since_save() const { return changed_; }
  // From now on `saved` gives slots as they stand now. Ends the save before.
  void begin_save();
  // The counters of a slot at the last begin_save; each slot once a save, ascending.
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
