// A cold store whose reads are shown to the benchmark: which keys missed. Everything goes on to the
// real one. Thread safety: as ColdStore; `on_read` is called by whoever reads.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "ps/store/cold_store.h"

namespace cairn {

class WatchedStore final : public ps::ColdStore {
 public:
  using OnRead = std::function<void(std::span<const ps::RowKey>)>;
  WatchedStore(std::unique_ptr<ps::ColdStore> store, OnRead on_read)
      : store_(std::move(store)), on_read_(std::move(on_read)) {}

  void read(std::vector<ps::RowKey> keys, std::function<void(Result<ps::RowBatch>)> done) override {
    on_read_(keys);
    store_->read(std::move(keys), std::move(done));
  }
  void scan(std::vector<uint32_t> slots, std::function<void(Result<ps::RowBatch>)> done) override {
    store_->scan(std::move(slots), std::move(done));
  }
  void save_flush_file(ps::FlushFile run, std::function<void(Status)> done) override {
    store_->save_flush_file(std::move(run), std::move(done));
  }
  void drop_filters(ps::Lsn below, std::function<void(Status)> done) override {
    store_->drop_filters(below, std::move(done));
  }
  void checkpoint(const std::filesystem::path& folder,
                  std::function<void(Result<ps::ShardFiles>)> done) override {
    store_->checkpoint(folder, std::move(done));
  }
  bool empty() const override { return store_->empty(); }
  uint32_t backlog() const override { return store_->backlog(); }

 private:
  const std::unique_ptr<ps::ColdStore> store_;
  const OnRead on_read_;
};

}  // namespace cairn
