#include "bench/shard/driver.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/random.h"
#include "ps/log/file_push_log.h"
#include "ps/log/null_push_log.h"
#include "ps/store/memory_cold_store.h"
#include "ps/store/rocks_cold_store.h"
#include "ps/system/boot_id.h"

namespace cairn {

namespace {

constexpr ps::Lsn kFirstLsn = 2;  // above that of rows stored from the start

[[noreturn]] void end_with(const Error& error) {
  std::fprintf(stderr, "the shard failed: %s\n", error.message.c_str());
  std::exit(1);
}

uint64_t now() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

// Rows of the keys bench_key(0) and on.
void store_rows(ps::RocksStore& store, uint64_t rows) {
  constexpr size_t kRunRows = 400'000;
  std::vector<ps::RowKey> keys;
  keys.reserve(rows);
  for (uint64_t i = 0; i < rows; ++i) keys.push_back({0, bench_key(i)});
  std::sort(keys.begin(), keys.end());
  const size_t floats = store.layouts()[0].floats();
  for (size_t first = 0; first < keys.size(); first += kRunRows) {
    const size_t count = std::min(kRunRows, keys.size() - first);
    ps::FlushFile run{.highest_lsn = 1};
    run.rows.floats.resize(count * floats, 0.1f);
    for (size_t i = 0; i < count; ++i)
      run.rows.entries.push_back(
          {.key = keys[first + i], .lsn = 1, .last_step = 1, .count = 1, .offset = i * floats});
    if (const Status saved = store.save_flush_file(run); !saved.ok()) end_with(saved.error());
  }
}

}  // namespace

std::vector<TableConfig> bench_tables() {
  TableConfig table;
  table.name = "bench";
  table.dim = kBenchDim;
  table.optimizer.name = "adagrad";
  return {table};
}

zmq::message_t borrowed(const void* data, size_t bytes) {
  return {const_cast<void*>(data), bytes, [](void*, void*) {}};
}

ShardDriver::ShardDriver(DriverOptions options)
    : options_(std::move(options)), steps_(options_.workers) {
  const std::vector<TableConfig> tables = bench_tables();
  if (options_.folder.empty()) {
    Result<std::vector<ps::RowLayout>> layouts = ps::layouts_of(tables);
    store_ = std::make_unique<ps::MemoryColdStore>(std::move(layouts).value());
  } else {
    std::filesystem::remove_all(options_.folder);
    std::filesystem::create_directories(options_.folder);
    auto store = ps::RocksStore::open(options_.folder / "store", tables);
    if (!store.ok()) end_with(store.error());
    rocks_ = store.value().get();
    store_rows(*rocks_, options_.rows_stored);
    store_ = std::make_unique<ps::RocksColdStore>(std::move(store).value(), options_.read_threads);
  }
  if (options_.on_read)
    store_ = std::make_unique<WatchedStore>(std::move(store_), options_.on_read);
  if (options_.durability.value_or(Durability::kCheckpoint) == Durability::kCheckpoint) {
    // The first record comes while the shard is made.
    log_ = std::make_unique<ps::NullPushLog>([this](Result<ps::Lsn> lsn) {
      completions_.post([this, lsn] { shard_->on_logged(lsn); });
    });
  } else {
    auto log = ps::FilePushLog::open({.folder = options_.folder / "log",
                                      .next_lsn = kFirstLsn,
                                      .durability = *options_.durability,
                                      .boot_id = ps::kernel_boot_id().value(),
                                      .bytes_max = options_.log_bytes_max},
                                     [this](Result<ps::Lsn> lsn) {
                                       completions_.post([this, lsn] { shard_->on_logged(lsn); });
                                     });
    if (!log.ok()) end_with(log.error());
    log_ = std::move(log).value();
  }
  ps::ShardOptions its;
  its.shard = options_.shard;
  its.slots = {.shards = options_.shards};
  its.workers = options_.workers;
  its.hot_bytes = options_.hot_bytes;
  its.log_bytes_max = options_.log_bytes_max;
  its.tables = tables;
  its.next_lsn = kFirstLsn;
  auto shard = ps::Shard::create(
      its, {.outbox = *this,
            .log = *log_,
            .store = *store_,
            .post = [this](std::function<void()> call) { completions_.post(std::move(call)); },
            .metrics = metrics(),
            .failed = end_with});
  if (!shard.ok()) end_with(shard.error());
  shard_ = std::move(shard).value();
  turn(false);
}

ShardDriver::~ShardDriver() {
  log_.reset();
  store_.reset();
  shard_.reset();
  if (!options_.folder.empty()) std::filesystem::remove_all(options_.folder);
}

void ShardDriver::give(Message message) {
  const uint64_t arrival = now();
  std::vector<zmq::message_t> parts = to_parts(std::move(message));
  Result<Message> parsed = parse_message(parts);
  if (!parsed.ok()) end_with(parsed.error());
  shard_->on_message("client", std::move(parsed).value(), arrival);
}

void ShardDriver::push(std::span<const Key> keys, const float* gradients, uint32_t worker) {
  Message message;
  message.header.op = Op::kPush;
  message.header.map_version = 1;
  message.header.worker = worker;
  message.header.step = message.header.sequence = ++steps_[worker];
  if (!keys.empty()) {
    message.directory = {{.count = static_cast<uint32_t>(keys.size()), .dim = kBenchDim}};
    message.keys = borrowed(keys.data(), keys.size_bytes());
    message.values = borrowed(gradients, keys.size() * kBenchDim * sizeof(float));
  }
  ++pushes_open_;
  give(std::move(message));
}

void ShardDriver::pull(std::span<const Key> keys, uint32_t flags, uint64_t steps_ahead) {
  Message message;
  message.header.op = Op::kPull;
  message.header.flags = flags;
  message.header.map_version = 1;
  message.header.step = steps_[0] + 1 + steps_ahead;
  message.header.sequence = ++request_;
  message.directory = {{.count = static_cast<uint32_t>(keys.size()), .dim = kBenchDim}};
  message.keys = borrowed(keys.data(), keys.size_bytes());
  ++pulls_open_;
  give(std::move(message));
}

void ShardDriver::start_checkpoint(const std::filesystem::path& folder, uint64_t steps_ahead) {
  Message message;
  message.header.op = Op::kCheckpoint;
  message.header.step = steps_[0] + steps_ahead;
  message.header.sequence = ++request_;
  const std::string text = nlohmann::json{{"folder", folder.string()}}.dump();
  message.values = zmq::message_t(text.data(), text.size());
  checkpoint_open_ = true;
  give(std::move(message));
}

void ShardDriver::turn(bool wait) {
  if (wait && !more_work_) {
    pollfd ready = {completions_.descriptor(), POLLIN, 0};
    poll(&ready, 1, 200);
  }
  completions_.run();
  more_work_ = shard_->on_tick();
}

void ShardDriver::wait_until_open(uint64_t pushes) {
  while (pushes_open_ > pushes || pulls_open_ > 0) turn(true);
}

std::string ShardDriver::stats() {
  Message message;
  message.header.op = Op::kStats;
  give(std::move(message));
  return last_text_;
}

void ShardDriver::send(const ps::Peer&, Message message, ps::Arrival asked) {
  if (message.header.status != StatusCode::kOk)
    end_with({ErrorCode::kUnavailable, std::string(message.text())});
  const double seconds = static_cast<double>(now() - asked) * 1e-9;
  switch (message.header.op) {
    case Op::kPull:
      --pulls_open_;
      if (options_.answered) options_.answered(message.header, seconds);
      last_pulled_ = std::move(message);
      return;
    case Op::kPush:
      --pushes_open_;
      if (options_.answered) options_.answered(message.header, seconds);
      return;
    case Op::kCheckpoint:
      checkpoint_open_ = false;
      return;
    default:
      last_text_ = message.text();
  }
}

MessagePool::MessagePool(uint64_t rows, size_t messages, uint64_t seed, SlotRange slots)
    : messages_(messages), gradients_(kBenchKeys * kBenchDim, 0.01f) {
  RandomStream random(seed, 1);
  keys_.reserve(messages * kBenchKeys);
  for (size_t m = 0; m < messages; ++m) {
    const auto first = static_cast<ptrdiff_t>(keys_.size());
    const auto size = [&] { return keys_.size() - static_cast<size_t>(first); };
    while (size() < kBenchKeys) {
      while (size() < kBenchKeys) {
        const Key key = bench_key(random.next_u64() % rows);
        if (slots.contains(slot_of(key))) keys_.push_back(key);
      }
      std::sort(keys_.begin() + first, keys_.end());
      keys_.erase(std::unique(keys_.begin() + first, keys_.end()), keys_.end());
    }
  }
}

void fill(ShardDriver& shard, uint64_t rows, SlotRange slots) {
  const std::vector<float> gradients(kBenchKeys * kBenchDim, 0.01f);
  std::vector<std::vector<Key>> keys(8);
  for (uint64_t next = 0, m = 0; next < rows; ++m) {
    shard.wait_until_open(keys.size() - 1);
    std::vector<Key>& its = keys[m % keys.size()];
    its.clear();
    for (; next < rows && its.size() < kBenchKeys; ++next)
      if (const Key key = bench_key(next); slots.contains(slot_of(key))) its.push_back(key);
    std::sort(its.begin(), its.end());
    shard.push(its, gradients.data());
    for (uint32_t worker = 1; worker < shard.workers(); ++worker) shard.push({}, nullptr, worker);
    shard.turn(false);
  }
  shard.wait_until_open(0);
}

}  // namespace cairn
