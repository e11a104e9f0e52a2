#include "tests/chaos/chaos_workers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ps/store/rocks_store.h"

namespace cairn {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr uint64_t kKeys = 1500;    // of a table
constexpr uint64_t kWindow = 6;     // unacknowledged pushes of a worker
constexpr uint64_t kAheadMax = 30;  // steps pushed before those that a pull has seen applied
constexpr milliseconds kAnswer{20'000};

const std::vector<uint32_t> kDims = {4, 2};

}  // namespace

ChaosWorkers::ChaosWorkers(uint64_t seed, std::string endpoint)
    : seed_(seed),
      endpoint_(std::move(endpoint)),
      random_(seed, 1),
      workers_(kChaosWorkers),
      reference_(chaos_job().tables, chaos_job().train.seed) {}

// The keys of a worker's batch of a step: a function of (worker, step) alone.
std::map<uint32_t, ps::KeyValues> ChaosWorkers::gradients(uint32_t worker, uint64_t step) const {
  RandomStream random(seed_, 100 + worker, step);
  std::map<uint32_t, ps::KeyValues> push;
  for (uint32_t table = 0; table < kDims.size(); ++table) {
    for (uint64_t n = random.next_below(60); n > 0; --n) {
      std::vector<float>& gradient =
          push[table][hash_key(random.next_below(kKeys) * random.next_below(kKeys) / kKeys)];
      gradient.clear();
      for (uint32_t i = 0; i < kDims[table]; ++i) gradient.push_back(random.next_normal());
    }
  }
  return push;
}

Header ChaosWorkers::header(Op op, uint32_t worker, uint64_t sequence, uint64_t step) const {
  Header header{.op = op, .incarnation = kChaosIncarnation, .map_version = 1};
  header.worker = worker;
  header.sequence = sequence;
  header.step = step;
  return header;
}

void ChaosWorkers::connect() {
  held_at_ = kNotHeld;
  for (uint32_t w = 0; w < workers_.size(); ++w) {
    Worker& worker = workers_[w];
    worker.socket.emplace(context_, zmq::socket_type::dealer);
    worker.socket->set(zmq::sockopt::linger, 0);
    worker.socket->set(zmq::sockopt::reconnect_ivl, -1);
    worker.socket->connect(endpoint_);
    for (uint64_t step = worker.acknowledged + 1; step <= worker.sent; ++step, ++resent_)
      push(w, step);
  }
}

void ChaosWorkers::disconnect() {
  closing_.clear();
  for (Worker& worker : workers_) {
    if (worker.socket.has_value()) closing_.push_back(std::move(*worker.socket));
    worker.socket.reset();
  }
}

void ChaosWorkers::push(uint32_t worker, uint64_t step) {
  send(worker,
       ps::rows_message(header(Op::kPush, worker, step, step), gradients(worker, step), kDims));
}

void ChaosWorkers::pull(uint32_t worker) {
  Header its = header(Op::kPull, worker, ++requests_, workers_[worker].sent + 1);
  if (random_.next_below(2) == 0) its.flags = kPullReadOnly;
  auto keys = gradients(worker, random_.next_u64());
  for (auto& [table, rows] : keys)
    for (auto& [key, gradient] : rows) gradient.clear();
  send(worker, ps::rows_message(its, keys, kDims));
}

void ChaosWorkers::send(uint32_t worker, Message message) {
  std::vector<zmq::message_t> parts = to_parts(std::move(message));
  for (size_t i = 0; i < parts.size(); ++i)
    workers_[worker].socket->send(
        parts[i], (i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none) |
                      zmq::send_flags::dontwait);
}

std::optional<Message> ChaosWorkers::receive(uint32_t worker, milliseconds wait) {
  zmq::socket_t& socket = *workers_[worker].socket;
  zmq::pollitem_t item = {socket.handle(), 0, ZMQ_POLLIN, 0};
  if (zmq::poll(&item, 1, wait) == 0) return std::nullopt;
  std::vector<zmq::message_t> parts;
  do {
    parts.emplace_back();
    EXPECT_TRUE(socket.recv(parts.back()).has_value());
  } while (parts.back().more());
  Result<Message> message = parse_message(parts);
  EXPECT_TRUE(message.ok()) << message.error().message;
  return std::move(message).value();
}

void ChaosWorkers::handle(uint32_t w, const Message& reply) {
  if (reply.header.op == Op::kCheckpoint) held_at_ = kNotHeld;
  if (may_fail_ && reply.header.status == StatusCode::kFailed) return;
  if (reply.header.op == Op::kPull) {
    EXPECT_EQ(reply.header.status, StatusCode::kOk) << reply.text();
    applied_ = std::max(applied_, reply.header.step);
  }
  if (reply.header.op != Op::kPush) return;
  Worker& worker = workers_[w];
  const uint64_t sequence = reply.header.sequence;
  // Pushes go in order, over one connection: one that is not expected means that the shard has
  // forgotten an acknowledged one.
  ASSERT_EQ(reply.header.status, StatusCode::kOk) << reply.text();
  ASSERT_LE(sequence, worker.sent);
  worker.acknowledged = std::max(worker.acknowledged, sequence);
}

void ChaosWorkers::take_replies(milliseconds wait) {
  for (uint32_t w = 0; w < workers_.size(); ++w, wait = milliseconds{0})
    while (const auto reply = receive(w, wait)) {
      handle(w, *reply);
      wait = milliseconds{0};
    }
}

void ChaosWorkers::load_for(milliseconds time, const std::filesystem::path& checkpoints) {
  const Clock::time_point end = Clock::now() + time;
  while (Clock::now() < end && !testing::Test::HasFatalFailure()) {
    const uint32_t w = static_cast<uint32_t>(random_.next_below(workers_.size()));
    Worker& worker = workers_[w];
    if (worker.sent - worker.acknowledged < kWindow &&
        worker.sent < std::min(held_at_, applied_ + kAheadMax))
      push(w, ++worker.sent);
    if (random_.next_below(8) == 0) pull(w);
    if (held_at_ == kNotHeld && random_.next_below(100) == 0 && !checkpoints.empty()) {
      held_at_ = worker.sent + 1;
      const auto folder = checkpoints / std::to_string(++checkpoints_);
      send(0, ps::text_message(header(Op::kCheckpoint, 0, ++requests_, worker.sent + 1),
                               nlohmann::json{{"folder", folder.string()}}.dump()));
    }
    take_replies(milliseconds{random_.next_below(4) == 0 ? 1 : 0});
  }
}

Message ChaosWorkers::ask(Message request) {
  const Header header = request.header;
  send(0, std::move(request));
  const Clock::time_point end = Clock::now() + kAnswer;
  while (Clock::now() < end) {
    std::optional<Message> reply = receive(0, milliseconds{100});
    if (!reply) continue;
    if (reply->header.op == header.op && reply->header.sequence == header.sequence)
      return std::move(*reply);
    handle(0, *reply);
  }
  ADD_FAILURE() << "no answer in time";
  return {};
}

void ChaosWorkers::advance_reference(uint64_t step) {
  while (reference_step_ < step) {
    ++reference_step_;
    std::vector<std::map<uint32_t, ps::KeyValues>> pushes;
    for (uint32_t w = 0; w < workers_.size(); ++w) pushes.push_back(gradients(w, reference_step_));
    reference_.apply(static_cast<uint32_t>(reference_step_), pushes);
  }
}

void ChaosWorkers::expect_nothing_lost(const std::filesystem::path& folder) {
  // Steps are applied meanwhile, as resent pushes come in: the checkpoint is of one that all have
  // sent, and holds what comes after.
  uint64_t step = workers_[0].sent;
  for (const Worker& worker : workers_) step = std::min(step, worker.sent);
  const Message reply = ask(ps::text_message(header(Op::kCheckpoint, 0, ++requests_, step),
                                             nlohmann::json{{"folder", folder.string()}}.dump()));
  ASSERT_EQ(reply.header.status, StatusCode::kOk) << reply.text();
  ASSERT_GE(step, reference_step_) << "the shard has gone back";
  advance_reference(step);

  const auto store = ps::RocksStore::open_read_only(folder, chaos_job().tables);
  ASSERT_TRUE(store.ok()) << store.error().message;
  size_t compared = 0;
  const Status scanned = store.value()->scan({}, [&](const ps::StoredRow& stored) -> Status {
    const ps::RowKey& key = stored.entry.key;
    const auto expected = reference_.rows().find(key);
    if (expected == reference_.rows().end())
      return Error{ErrorCode::kCorrupt, "a row that no push made"};
    ps::ReferenceRows::Row row;
    row.weights.assign(stored.floats.begin(), stored.floats.begin() + kDims[key.table]);
    row.state.assign(stored.floats.begin() + kDims[key.table], stored.floats.end());
    row.count = stored.entry.count;
    row.last_step = stored.entry.last_step;
    EXPECT_EQ(row, expected->second) << "table " << key.table << " key " << key.key << ": count "
                                     << row.count << ", want " << expected->second.count;
    if (!(row == expected->second)) return Error{ErrorCode::kCorrupt, "another row"};
    ++compared;
    return Ok{};
  });
  ASSERT_TRUE(scanned.ok()) << scanned.error().message;
  ASSERT_EQ(compared, reference_.rows().size()) << "rows are lost";
}

uint64_t ChaosWorkers::acknowledged_pushes() const {
  uint64_t pushes = 0;
  for (const Worker& worker : workers_) pushes += worker.acknowledged;
  return pushes;
}

}  // namespace cairn
