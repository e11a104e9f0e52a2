// Tests of a server that starts again on files that have changed since it ended.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/random.h"
#include "ps/log/log_format.h"
#include "ps/server/server.h"
#include "tests/common/temporary_folder.h"
#include "tests/ps/server/server_client.h"
#include "tests/ps/shard/shard_messages.h"
#include "tests/seed.h"

namespace cairn::ps {

inline constexpr uint64_t kIncarnation = 0xC0FFEE;
inline constexpr uint64_t kSteps = 20;
inline constexpr Key kKeys = 3000;
inline const std::vector<uint32_t> kDims = {4};

inline std::vector<char> read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::filesystem::path& path, const std::vector<char>& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), std::ssize(bytes));
}

class ServerRecovery : public testing::Test {
 protected:
  ServerRecovery() {
    job_.tables = {{.name = "user", .dim = 4}};
    job_.tables[0].optimizer = {.name = "adagrad", .learning_rate = 0.1f};
    job_.ps.log_bytes_max = 8 << 20;
  }

  // A server that has applied kSteps steps, its rows in the store if `stored`, and has ended;
  // `rows_` are its rows.
  void live(bool stored) {
    Result<std::unique_ptr<Server>> server = start(/*recover=*/false);
    ASSERT_TRUE(server.ok()) << server.error().message;
    Client client(context_, server.value()->endpoints()[0]);
    push(client, 1, kSteps);
    if (stored) checkpoint(client, kSteps, "checkpoint");
    rows_ = pull(client, 0, kKeys).value();
  }
  // Steps from `first` to `last`: every key in the first one, some in each.
  void push(Client& client, uint64_t first, uint64_t last) {
    for (uint64_t step = first; step <= last; ++step) {
      RandomStream random(test_seed(), 61, step);
      KeyValues gradients;
      for (Key key = step == 1 ? 0 : random.next_below(20); key < kKeys;
           key += step == 1 ? 1 : 1 + random.next_below(40))
        for (int i = 0; i < 4; ++i) gradients[key].push_back(random.next_normal());
      const Message reply =
          client.ask(rows_message(header(Op::kPush, step, step), {{0, gradients}}, kDims));
      ASSERT_EQ(reply.header.status, StatusCode::kOk) << reply.text();
    }
  }
  // Does as `push`, without any key.
  void push_empty(Client& client, uint64_t first, uint64_t last) {
    for (uint64_t step = first; step <= last; ++step) {
      const Message reply =
          client.ask(rows_message(header(Op::kPush, step, step), {{0, {}}}, kDims));
      ASSERT_EQ(reply.header.status, StatusCode::kOk) << reply.text();
    }
  }
  // Writes all rows into the store, and the store into a folder.
  void checkpoint(Client& client, uint64_t step, const std::string& name) {
    const Message reply = client.ask(
        text_message(header(Op::kCheckpoint, 1, step),
                     nlohmann::json{{"folder", (folder_.path() / name).string()}}.dump()));
    ASSERT_EQ(reply.header.status, StatusCode::kOk) << reply.text();
  }

  Result<std::unique_ptr<Server>> start(bool recover = true,
                                        Recovery recovery = Recovery::kStrict) {
    ServerOptions options;
    options.job = job_;
    options.job.ps.recovery = recovery;
    options.incarnation = kIncarnation;
    options.hot_bytes = 64 << 20;
    options.endpoint = fmt::format("inproc://recovery-{}", ++lives_);
    options.state = state_;
    options.recover = recover;
    metrics_ = std::make_unique<Metrics>("test");
    return Server::start(options, context_, metrics_->server(),
                         [this](const Error& error) { failure_ = error; });
  }
  // The server's answer to `op`, which must not be a refusal.
  nlohmann::json ask(Server& server, Op op) {
    Client client(context_, server.endpoints()[0]);
    return nlohmann::json::parse(client.ask(text_message(header(op, 1, 0), "")).text());
  }
  // Weights of the keys from `first` to before `last`, once the step before `step` is applied;
  // nothing where the shard has failed.
  std::optional<std::vector<float>> pull(Client& client, Key first, Key last, uint64_t step = 1) {
    KeyValues keys;
    for (Key key = first; key < last; ++key) keys[key] = {};
    Header its = header(Op::kPull, 1, step);
    its.flags = kPullReadOnly;
    const Message reply = client.ask(rows_message(its, {{0, keys}}, kDims));
    if (reply.header.status == StatusCode::kOk) return floats_of(reply);
    EXPECT_EQ(reply.header.status, StatusCode::kFailed);
    refusal_ = std::string(reply.text());
    return std::nullopt;
  }
  static Header header(Op op, uint64_t sequence, uint64_t step) {
    return {.op = op,
            .incarnation = kIncarnation,
            .sequence = sequence,
            .step = step,
            .map_version = 1};
  }

  std::filesystem::path shard() const { return state_ / "0000000000c0ffee" / "shard-0"; }
  struct Place {
    std::filesystem::path file;
    uint64_t offset = 0;
  };
  // Where the record of this lsn begins.
  Place place_of(Lsn lsn) const {
    for (uint32_t number = 0; std::filesystem::exists(segment_path(shard() / "log", number));
         ++number) {
      const std::filesystem::path path = segment_path(shard() / "log", number);
      const std::vector<char> bytes = read_bytes(path);
      for (uint64_t at = kLogBlockBytes; at + sizeof(RecordHeader) <= bytes.size();
           at += kLogBlockBytes) {
        RecordHeader record;
        std::memcpy(&record, bytes.data() + at, sizeof record);
        if (record.magic == kRecordMagic && record.lsn == lsn) return {path, at};
      }
    }
    ADD_FAILURE() << "no record " << lsn;
    return {};
  }
  static void flip(const Place& place, uint64_t behind) {
    std::vector<char> bytes = read_bytes(place.file);
    ASSERT_LT(place.offset + behind, bytes.size());
    bytes[place.offset + behind] ^= 0x40;
    write_bytes(place.file, bytes);
  }

  JobConfig job_;
  TemporaryFolder folder_;
  std::filesystem::path state_ = folder_.path() / "state";
  zmq::context_t context_{1};
  std::unique_ptr<Metrics> metrics_;
  std::optional<Error> failure_;
  std::string refusal_;
  std::vector<float> rows_;
  int lives_ = 0;
};

}  // namespace cairn::ps
