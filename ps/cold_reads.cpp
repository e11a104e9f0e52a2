#include "ps/cold_reads.h"

#include <algorithm>
#include <utility>

namespace cairn {

ColdReads::ColdReads(ColdStore& store, Post post, Install install,
                     std::function<void(Error)> failed)
    : store_(store),
      post_(std::move(post)),
      install_(std::move(install)),
      failed_(std::move(failed)) {}

void ColdReads::read(std::vector<RowKey> keys, uint32_t pin, std::function<void()> done) {
  check(!keys.empty(), "a read has keys");
  const auto waiting = std::make_shared<Waiting>();
  waiting->done = std::move(done);
  const uint64_t number = next_batch_++;
  std::vector<uint64_t> others;
  std::erase_if(keys, [&](const RowKey& key) {
    const auto [at, added] = batch_of_.try_emplace(key, number);
    if (!added) others.push_back(at->second);
    return !added;
  });
  std::ranges::sort(others);
  others.erase(std::unique(others.begin(), others.end()), others.end());
  for (const uint64_t other : others) {
    Batch& batch = batches_.at(other);
    batch.pin = std::max(batch.pin, pin);
    batch.waiting.push_back(waiting);
  }
  waiting->batches = others.size();
  if (keys.empty()) return;

  ++waiting->batches;
  std::sort(keys.begin(), keys.end());
  batches_.emplace(number, Batch{keys, pin, {waiting}});
  store_.read(std::move(keys), [this, number, post = post_](Result<RowBatch> found) {
    post([this, number,
          found =
              std::make_shared<const Result<RowBatch>>(std::move(found))] {  // std::function copies
      complete(number, *found);
    });
  });
}

void ColdReads::complete(uint64_t number, const Result<RowBatch>& found) {
  const Batch batch = std::move(batches_.at(number));
  batches_.erase(number);
  for (const RowKey& key : batch.keys) batch_of_.erase(key);
  if (found.ok())
    install_(batch.keys, found.value(), batch.pin);
  else
    failed_(found.error());
  for (const std::shared_ptr<Waiting>& waiting : batch.waiting)
    if (--waiting->batches == 0) waiting->done();
}

}  // namespace cairn
