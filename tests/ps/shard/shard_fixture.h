// A shard that a test gives messages to, and the shard's answers.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "ps/row/initializer.h"
#include "ps/shard/shard.h"
#include "tests/ps/shard/simulated_shard.h"
#include "tests/seed.h"

namespace cairn::ps {

using Rows = std::map<uint32_t, KeyValues>;

constexpr uint64_t kIncarnation = 9;
inline const std::vector<uint32_t> kDims = {2, 1};

inline ShardOptions options(uint32_t workers) {
  ShardOptions options{.incarnation = kIncarnation, .server_run = 4, .workers = workers};
  options.seed = test_seed();
  options.hot_bytes = uint64_t{1} << 30;
  options.log_bytes_max = uint64_t{1} << 30;
  options.tables = {{.name = "a", .dim = 2}, {.name = "b", .dim = 1}};
  for (TableConfig& table : options.tables)
    table.optimizer = {.name = "sgd", .learning_rate = 1.0f};
  return options;
}

class ShardTest : public testing::Test {
 protected:
  void start(const ShardOptions& options) {
    options_ = options;
    sim_ = std::make_unique<SimulatedShard>(options);
    sim_->settle();
  }

  Header header(Op op, uint32_t worker, uint64_t sequence, uint64_t step) const {
    return {.op = op,
            .incarnation = kIncarnation,
            .sequence = sequence,
            .step = step,
            .worker = worker,
            .map_version = 1};
  }
  void give(const Peer& peer, Message message) {
    sim_->shard->on_message(peer, std::move(message), 0);
  }
  void pull(uint32_t worker, uint64_t step, const Rows& keys, uint32_t flags = 0) {
    Header its = header(Op::kPull, worker, ++request_, step);
    its.flags = flags;
    give("w", rows_message(its, keys, kDims));
  }
  void push(uint32_t worker, uint64_t sequence, uint64_t step, const Rows& gradients,
            const Peer& peer = "w") {
    give(peer, rows_message(header(Op::kPush, worker, sequence, step), gradients, kDims));
  }
  // The only reply that has come since the last call.
  Message reply() {
    std::vector<SimulatedShard::Reply> replies = sim_->take_replies();
    EXPECT_EQ(replies.size(), 1u);
    return replies.empty() ? Message{} : std::move(replies[0].message);
  }
  nlohmann::json stats() {
    give("w", text_message(header(Op::kStats, 0, 0, 0), ""));
    return nlohmann::json::parse(reply().text());
  }
  std::vector<float> initial(uint32_t table, Key key) const {
    std::vector<float> weights(kDims[table]);
    initial_weights(options_.tables[table].initializer, options_.seed, table, key, weights);
    return weights;
  }
  // The rows that a checkpoint of `step` holds: "table/key" -> floats, count and last step.
  std::map<std::string, std::string> stored(uint64_t step) {
    const std::string folder = std::to_string(++request_);
    give("w", text_message(header(Op::kCheckpoint, 0, request_, step),
                           nlohmann::json{{"folder", folder}}.dump()));
    sim_->settle();
    EXPECT_EQ(reply().header.status, StatusCode::kOk);
    std::map<std::string, std::string> rows;
    for (const auto& [key, value] : *sim_->store.rows_in(folder)) {
      std::string& row = rows[std::to_string(key.table) + "/" + std::to_string(key.key)];
      for (const float f : value.floats) row += std::to_string(f) + " ";
      row += std::to_string(value.entry.count) + " " + std::to_string(value.entry.last_step);
    }
    return rows;
  }

  ShardOptions options_;
  std::unique_ptr<SimulatedShard> sim_;
  uint64_t request_ = 0;
};

}  // namespace cairn::ps
