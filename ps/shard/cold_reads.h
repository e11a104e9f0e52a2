// Reads rows that are not in memory, with one rule on top of the store's: one read at a time reads
// a key. Others that want the key wait for that read. So while a read is under way its keys are not
// in memory and cannot change. Its rows are never older than what was written. Thread safety: none;
// a shard's thread owns it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "ps/store/cold_store.h"
#include "ps/system/post.h"

namespace cairn::ps {

class ColdReads {
 public:
  // Puts rows into memory. `keys` ascend; `found` are the stored ones, the others are absent. The
  // rows stay for step `pin`; 0: none.
  using Install =
      std::function<void(const std::vector<RowKey>& keys, const RowBatch& found, uint32_t pin)>;

  // Takes the keys that are in memory out of `keys`, ascending.
  using ErasePresent = std::function<void(std::vector<RowKey>& keys)>;

  ColdReads(ColdStore& store, Post post, Install install, ErasePresent erase_present,
            std::function<void(Error)> failed);

  // `keys` holds at least one key, in no order. `done` is called later, when all keys are in
  // memory. If some could not be read, `failed` is called first, then `done`. Returns the number of
  // keys that no read had yet.
  size_t read(std::vector<RowKey> keys, uint32_t pin, std::function<void()> done);

  // The row of `key` is removed, which leaves a tombstone in memory. A read that is under way may
  // have found the row as it was. If the tombstone has been saved and has left memory by the end of
  // the read, the key is looked up once more.
  void removed(const RowKey& key);

  size_t under_way() const { return batches_.size(); }

 private:
  struct Waiting {
    size_t batches = 0;  // still to come
    std::function<void()> done;
  };
  struct Batch {
    std::vector<RowKey> keys;
    uint32_t pin = 0;
    std::vector<std::shared_ptr<Waiting>> waiting;  // shared: one may wait for several batches
    std::vector<RowKey> removed;                    // since it began
  };
  struct HashRowKey {
    size_t operator()(const RowKey& key) const { return hash_key(key.key) + key.table; }
  };

  void read_batch(std::vector<RowKey> keys, uint32_t pin,
                  std::vector<std::shared_ptr<Waiting>> waiting);
  void read_removed_again(Batch batch, RowBatch found);
  void complete(uint64_t batch, const Result<RowBatch>& found);

  ColdStore& store_;
  const Post post_;
  const Install install_;
  const ErasePresent erase_present_;
  const std::function<void(Error)> failed_;
  std::map<uint64_t, Batch> batches_;
  std::unordered_map<RowKey, uint64_t, HashRowKey> batch_of_;
  uint64_t next_batch_ = 1;
};

}  // namespace cairn::ps
