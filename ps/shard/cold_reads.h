// Reads of rows that are not in memory, with one rule on top of the store's: a key is read by one
// read at a time, and whoever else wants it waits for that one. So while a read is under way its
// keys are not in memory, cannot change, and what it brings is never older than what was written.
// Thread safety: none; a shard's thread owns it.
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
  // Puts rows into memory: of `keys`, ascending, `found` are stored and the others are not. `pin`
  // is the step that they are to stay for; 0: none.
  using Install =
      std::function<void(const std::vector<RowKey>& keys, const RowBatch& found, uint32_t pin)>;

  // Takes the keys that are in memory out of `keys`, ascending.
  using ErasePresent = std::function<void(std::vector<RowKey>& keys)>;

  ColdReads(ColdStore& store, Post post, Install install, ErasePresent erase_present,
            std::function<void(Error)> failed);

  // `done` is called later, when all of `keys` (at least one, in no order) are in memory; also if
  // some could not be read, after `failed` was. Returns how many of them nobody was reading yet.
  size_t read(std::vector<RowKey> keys, uint32_t pin, std::function<void()> done);

  // The row of `key` is removed, which leaves a tombstone in memory. A read that is under way may
  // have found the row as it was: if by its end the tombstone has been saved and has left memory,
  // it is looked up once more.
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
