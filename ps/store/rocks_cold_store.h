// The cold store of a running shard: RocksStore behind threads. One thread writes flush files and
// checkpoints, in the order asked for. `read_threads` threads read, each a whole request.
//
// Thread safety: that of ColdStore. One thread calls; completions come from the threads of this
// object. The destructor finishes what was asked for, so everything that the completions use must
// outlive it.
#pragma once

#include <cstdint>
#include <memory>

#include "ps/store/cold_store.h"
#include "ps/store/rocks_store.h"
#include "ps/system/task_queue.h"

namespace cairn::ps {

class RocksColdStore final : public ColdStore {
 public:
  RocksColdStore(std::unique_ptr<RocksStore> store, uint32_t read_threads);

  void read(std::vector<RowKey> keys, std::function<void(Result<RowBatch>)> done) override;
  void scan(std::vector<uint32_t> slots, std::function<void(Result<RowBatch>)> done) override;
  void save_flush_file(FlushFile run, std::function<void(Status)> done) override;
  void drop_filters(Lsn below, std::function<void(Status)> done) override;
  void checkpoint(const std::filesystem::path& folder,
                  std::function<void(Result<ShardFiles>)> done) override;
  bool empty() const override { return store_->empty(); }
  uint32_t backlog() const override { return store_->backlog(); }

 private:
  const std::unique_ptr<RocksStore> store_;
  TaskQueue writer_, readers_;
};

}  // namespace cairn::ps
