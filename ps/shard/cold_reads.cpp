#include "ps/shard/cold_reads.h"

#include <algorithm>
#include <utility>

namespace cairn::ps {

namespace {
// Keys that one thread of the store reads at a time. A pull's misses are dealt to all of them, and
// the rows of one batch are put into memory while the next ones are read.
constexpr size_t kBatchKeys = 256;
}  // namespace

ColdReads::ColdReads(ColdStore& store, Post post, Install install, ErasePresent erase_present,
                     std::function<void(Error)> failed)
    : store_(store),
      post_(std::move(post)),
      install_(std::move(install)),
      erase_present_(std::move(erase_present)),
      failed_(std::move(failed)) {}

size_t ColdReads::read(std::vector<RowKey> keys, uint32_t pin, std::function<void()> done) {
  check(!keys.empty(), "a read has keys");
  // As those of a pull are, but for one that names per table twice.
  if (!std::is_sorted(keys.begin(), keys.end())) std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  const auto waiting = std::make_shared<Waiting>();
  waiting->done = std::move(done);
  std::vector<uint64_t> others;
  std::erase_if(keys, [&](const RowKey& key) {
    const auto at = batch_of_.find(key);
    if (at == batch_of_.end()) return false;
    others.push_back(at->second);
    return true;
  });
  std::ranges::sort(others);
  others.erase(std::unique(others.begin(), others.end()), others.end());
  for (const uint64_t other : others) {
    Batch& batch = batches_.at(other);
    batch.pin = std::max(batch.pin, pin);
    batch.waiting.push_back(waiting);
  }
  waiting->batches = others.size() + (keys.size() + kBatchKeys - 1) / kBatchKeys;
  for (size_t first = 0; first < keys.size(); first += kBatchKeys) {
    const auto at = keys.begin() + static_cast<ptrdiff_t>(first);
    const size_t count = std::min(kBatchKeys, keys.size() - first);
    read_batch({at, at + static_cast<ptrdiff_t>(count)}, pin, {waiting});
  }
  return keys.size();
}

void ColdReads::read_batch(std::vector<RowKey> keys, uint32_t pin,
                           std::vector<std::shared_ptr<Waiting>> waiting) {
  const uint64_t number = next_batch_++;
  for (const RowKey& key : keys) batch_of_.emplace(key, number);
  batches_.emplace(number, Batch{keys, pin, std::move(waiting), {}});
  store_.read(std::move(keys), [this, number, post = post_](Result<RowBatch> found) {
    post([this, number,
          found =
              std::make_shared<const Result<RowBatch>>(std::move(found))] {  // std::function copies
      complete(number, *found);
    });
  });
}

void ColdReads::complete(uint64_t number, const Result<RowBatch>& found) {
  Batch batch = std::move(batches_.at(number));
  batches_.erase(number);
  for (const RowKey& key : batch.keys) batch_of_.erase(key);
  if (found.ok() && !batch.removed.empty()) {
    std::vector<RowKey>& removed = batch.removed;
    std::sort(removed.begin(), removed.end());
    removed.erase(std::unique(removed.begin(), removed.end()), removed.end());
    erase_present_(removed);
    if (!removed.empty()) return read_removed_again(std::move(batch), found.value());
  }
  if (found.ok())
    install_(batch.keys, found.value(), batch.pin);
  else
    failed_(found.error());
  for (const std::shared_ptr<Waiting>& waiting : batch.waiting)
    if (--waiting->batches == 0) waiting->done();
}

void ColdReads::removed(const RowKey& key) {
  const auto at = batch_of_.find(key);
  if (at != batch_of_.end()) batches_.at(at->second).removed.push_back(key);
}

// Whoever waits for the batch waits for that too.
void ColdReads::read_removed_again(Batch batch, RowBatch found) {
  std::vector<RowKey>& again = batch.removed;
  const auto is_removed = [&](const RowKey& key) {
    return std::binary_search(again.begin(), again.end(), key);
  };
  std::erase_if(batch.keys, is_removed);
  std::erase_if(found.entries, [&](const RowBatch::Entry& entry) { return is_removed(entry.key); });
  install_(batch.keys, found, batch.pin);
  read_batch(std::move(again), batch.pin, std::move(batch.waiting));
}

}  // namespace cairn::ps
