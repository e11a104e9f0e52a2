#include "ps/store/rocks_cold_store.h"

#include <utility>

namespace cairn::ps {

RocksColdStore::RocksColdStore(std::unique_ptr<RocksStore> store, uint32_t read_threads)
    : store_(std::move(store)), writer_(1), readers_(read_threads) {}

void RocksColdStore::read(std::vector<RowKey> keys, std::function<void(Result<RowBatch>)> done) {
  readers_.add(
      [this, keys = std::move(keys), done = std::move(done)] { done(store_->read(keys)); });
}

void RocksColdStore::scan(std::vector<uint32_t> slots, std::function<void(Result<RowBatch>)> done) {
  readers_.add([this, slots = std::move(slots), done = std::move(done)] {
    RowBatch rows;
    for (const uint32_t slot : slots) {
      const Status scanned = store_->scan({slot, slot + 1}, [&](const StoredRow& row) -> Status {
        rows.entries.push_back(row.entry);
        rows.entries.back().offset = rows.floats.size();
        rows.floats.insert(rows.floats.end(), row.floats.begin(), row.floats.end());
        return Ok{};
      });
      if (!scanned.ok()) return done(scanned.error());
    }
    done(std::move(rows));
  });
}

void RocksColdStore::save_flush_file(FlushFile run, std::function<void(Status)> done) {
  // std::function copies what it holds, and a flush file is large.
  auto shared = std::make_shared<const FlushFile>(std::move(run));
  writer_.add([this, run = std::move(shared), done = std::move(done)] {
    done(store_->save_flush_file(*run));
  });
}

void RocksColdStore::drop_filters(Lsn below, std::function<void(Status)> done) {
  writer_.add([this, below, done = std::move(done)] { done(store_->drop_filters(below)); });
}

void RocksColdStore::checkpoint(const std::filesystem::path& folder,
                                std::function<void(Result<ShardFiles>)> done) {
  writer_.add([this, folder, done = std::move(done)] { done(store_->checkpoint(folder)); });
}

}  // namespace cairn::ps
