// The client against shards that a test plays: a thread with a ROUTER that answers by a script.

#include "worker/client/ps_client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <thread>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn {
namespace {

using testing::HasSubstr;

constexpr uint64_t kIncarnation = 77;

// Answers each message by those that `script` returns for it.
class PlayedShard {
 public:
  using Script = std::function<std::vector<Message>(const Message&)>;

  PlayedShard(zmq::context_t& context, const std::string& name, Script script)
      : endpoint_("inproc://" + name),
        socket_(context, zmq::socket_type::router),
        script_(std::move(script)) {
    socket_.bind(endpoint_);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  const std::string& endpoint() const { return endpoint_; }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::vector<zmq::pollitem_t> items = {{socket_.handle(), 0, ZMQ_POLLIN, 0}};
      if (zmq::poll(items, std::chrono::milliseconds(10)) == 0) continue;
      std::vector<zmq::message_t> parts;
      do {
        zmq::message_t part;
        if (!socket_.recv(part)) return;
        parts.push_back(std::move(part));
      } while (parts.back().more());
      zmq::message_t peer = std::move(parts.front());
      parts.erase(parts.begin());
      Result<Message> message = parse_message(parts);
      if (!message.ok()) continue;
      for (Message& reply : script_(message.value())) {
        zmq::message_t to(peer.data(), peer.size());
        socket_.send(to, zmq::send_flags::sndmore);
        std::vector<zmq::message_t> out = to_parts(std::move(reply));
        for (size_t i = 0; i < out.size(); ++i)
          socket_.send(out[i],
                       i + 1 < out.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
      }
    }
  }

  const std::string endpoint_;
  zmq::socket_t socket_;
  const Script script_;
  std::jthread thread_;  // last: it stops before what it uses
};

Message reply_to(const Message& request, uint64_t boot = 1) {
  Message reply = text_reply(request.header, StatusCode::kOk, "");
  reply.header.boot = boot;
  return reply;
}

// A row's weights are its key, in all of `dim` floats.
Message rows_for(const Message& pull) {
  Message reply = reply_to(pull);
  reply.directory = pull.directory;
  reply.header.tables = pull.header.tables;
  std::vector<float> values;
  size_t at = 0;
  for (const TableEntry& entry : pull.directory)
    for (uint32_t i = 0; i < entry.count; ++i, ++at)
      values.insert(values.end(), entry.dim, static_cast<float>(pull.key(at)));
  reply.values = zmq::message_t(values.data(), values.size() * sizeof(float));
  return reply;
}

class PsClientTest : public testing::Test {
 protected:
  std::unique_ptr<PsClient> connect(const std::vector<std::string>& endpoints) {
    options.endpoints = endpoints;
    options.slots = {1, static_cast<uint32_t>(endpoints.size())};
    options.incarnation = kIncarnation;
    options.table_dims = {2, 3};
    return PsClient::connect(options, context, metrics.worker(0, {})).value();
  }
  // Pulls one key of the first table.
  Status pull_one(PsClient& client, uint64_t step = 1) {
    const auto id = client.start_pull(step, keys, 0);
    if (!id.ok()) return id.error();
    const auto pulled = client.finish_pull(id.value(), rows);
    return pulled.ok() ? Status(Ok{}) : Status(pulled.error());
  }

  zmq::context_t context;
  Metrics metrics{"test"};
  PsClientOptions options;
  std::vector<std::vector<Key>> keys = {{5}, {}};
  std::vector<std::vector<float>> rows{2};
};

TEST_F(PsClientTest, RowsComeInTheOrderOfTheKeysFromAllShards) {
  const auto script = [](const Message& pull) {
    std::vector<Message> replies;
    replies.push_back(rows_for(pull));
    return replies;
  };
  PlayedShard a(context, "a", script), b(context, "b", script), c(context, "c", script);
  const auto client = connect({a.endpoint(), b.endpoint(), c.endpoint()});
  RandomStream random(test_seed(), 21);
  for (auto& table : keys) {
    table.clear();
    for (uint64_t key = random.next_below(3); key < 500; key += 1 + random.next_below(9))
      table.push_back(key);
  }
  ASSERT_TRUE(pull_one(*client).ok());
  for (size_t t = 0; t < 2; ++t) {
    ASSERT_EQ(rows[t].size(), keys[t].size() * options.table_dims[t]);
    for (size_t i = 0; i < rows[t].size(); ++i)
      EXPECT_EQ(rows[t][i], static_cast<float>(keys[t][i / options.table_dims[t]]));
  }
}

TEST_F(PsClientTest, ARefusalIsTheErrorAndNamesTheShard) {
  PlayedShard shard(context, "refusing", [](const Message& pull) {
    std::vector<Message> replies;
    replies.push_back(text_reply(pull.header, StatusCode::kBadMessage, "table 0 has dim 9"));
    return replies;
  });
  const auto client = connect({shard.endpoint()});
  const Status status = pull_one(*client);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("table 0 has dim 9"));
  EXPECT_THAT(status.error().message, HasSubstr("shard 0 at inproc://refusing"));
}

TEST_F(PsClientTest, WhatANewBootHasNotAnsweredIsSentAgainInOrder) {
  // The first process takes pushes and dies before it acknowledges the last two of them.
  std::vector<uint64_t> pushes, pulls;
  bool died = false;
  PlayedShard shard(context, "restarted", [&](const Message& request) {
    std::vector<Message> replies;
    if (request.header.op == Op::kPush) pushes.push_back(request.header.sequence);
    if (request.header.op == Op::kPull) pulls.push_back(request.header.step);
    if (!died) {
      if (request.header.op == Op::kPush && request.header.sequence == 1)
        replies.push_back(reply_to(request, 1));
      died = request.header.op == Op::kPull;
      if (died)
        replies.push_back(
            text_reply({.op = Op::kPing, .incarnation = kIncarnation}, StatusCode::kOk, "{}"));
      if (died) replies.back().header.boot = 2;
    } else if (request.header.op == Op::kPull) {
      replies.push_back(rows_for(request));
      replies.back().header.boot = 2;
    } else {
      replies.push_back(reply_to(request, 2));
    }
    return replies;
  });
  const auto client = connect({shard.endpoint()});
  const std::vector<std::vector<float>> gradients = {{1, 2}, {}};
  const ShardSplit split(keys, options.slots);
  for (uint64_t step = 1; step <= 3; ++step)
    ASSERT_TRUE(client->push(step, keys, split, gradients).ok());
  const Status pulled = pull_one(*client, 4);
  ASSERT_TRUE(pulled.ok()) << pulled.error().message;
  ASSERT_TRUE(client->wait_pushes().ok());
  EXPECT_EQ(pushes, (std::vector<uint64_t>{1, 2, 3, 2, 3}));
  EXPECT_EQ(pulls, (std::vector<uint64_t>{4, 4}));
  EXPECT_EQ(client->server_restarts(), 1u);
}

TEST_F(PsClientTest, AShardThatAsksForAnAcknowledgedPushHasLostData) {
  PlayedShard shard(context, "forgetful", [&](const Message& push) {
    std::vector<Message> replies;
    replies.push_back(reply_to(push));
    if (push.header.sequence < 3) return replies;
    replies.back().header.status = StatusCode::kOutOfOrder;
    replies.back().header.sequence = 2;
    return replies;
  });
  const auto client = connect({shard.endpoint()});
  const std::vector<std::vector<float>> gradients = {{1, 2}, {}};
  const ShardSplit split(keys, options.slots);
  for (uint64_t step = 1; step <= 2; ++step)
    ASSERT_TRUE(client->push(step, keys, split, gradients).ok());
  ASSERT_TRUE(client->wait_pushes().ok());
  ASSERT_TRUE(client->push(3, keys, split, gradients).ok());
  const Status status = client->wait_pushes();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("lost data"));
}

// A shard that acknowledges pushes in order, is started again when it is asked for a row the first
// time, and then has lost all pushes but the first two.
class LossyShard {
 public:
  std::vector<Message> operator()(const Message& request) {
    std::vector<Message> replies;
    const Header& header = request.header;
    if (header.op == Op::kPull && boot_ == 1) {
      boot_ = 2;
      accepted_ = 2;
      applied_ = 12;
      replies.push_back(pong(header));  // the pull is lost with the process
    } else if (header.op == Op::kPull) {
      parked_.push_back(rows_for(request));
    } else if (header.op == Op::kPing) {
      replies.push_back(pong(header));
    } else if (header.sequence != accepted_ + 1) {
      replies.push_back(text_reply(header, StatusCode::kOutOfOrder, "not expected"));
      replies.back().header.sequence = accepted_ + 1;
    } else {
      ++accepted_;
      EXPECT_EQ(header.step, 10 + accepted_);
      applied_ = header.step;
      if (boot_ == 2) keys_.push_back(request.key_count());
      replies.push_back(reply_to(request));
    }
    for (; !parked_.empty() && applied_ + 1 >= parked_.front().header.step; parked_.pop_front())
      replies.push_back(std::move(parked_.front()));
    for (Message& reply : replies) reply.header.boot = boot_;
    return replies;
  }
  const std::vector<size_t>& keys_of_pushes() const { return keys_; }  // since it came back

 private:
  Message pong(const Header& request) const {
    Header header = request;
    header.op = Op::kPing;
    return text_reply(header, StatusCode::kOk,
                      fmt::format(R"({{"applied_step":{},"accepted":{}}})", applied_, accepted_));
  }
  uint64_t boot_ = 1, accepted_ = 0, applied_ = 10;
  std::deque<Message> parked_;  // answers to pulls
  std::vector<size_t> keys_;
};

TEST_F(PsClientTest, AShardThatHasLostAcknowledgedPushesIsFoundOutThoughNoneIsUnderWay) {
  LossyShard lossy;
  PlayedShard shard(context, "lossy-strict", std::ref(lossy));
  const auto client = connect({shard.endpoint()});
  const ShardSplit split(keys, options.slots);
  const std::vector<std::vector<float>> gradients = {{1, 2}, {}};
  for (uint64_t step = 11; step <= 15; ++step)
    ASSERT_TRUE(client->push(step, keys, split, gradients).ok());
  ASSERT_TRUE(client->wait_pushes().ok());
  const Status status = pull_one(*client, 16);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(
      status.error().message,
      HasSubstr("shard 0 at inproc://lossy-strict has lost data: it has pushes up to 2, and "
                "has acknowledged 5"));
}

TEST_F(PsClientTest, UnderReportEmptyPushesTakeThePlaceOfLostOnes) {
  for (const uint64_t pushes : {5, 100}) {  // more than a shard lets a worker go ahead
    LossyShard lossy;
    PlayedShard shard(context, fmt::format("lossy-{}", pushes), std::ref(lossy));
    options.recovery = Recovery::kReport;
    const auto client = connect({shard.endpoint()});
    const ShardSplit split(keys, options.slots);
    const std::vector<std::vector<float>> gradients = {{1, 2}, {}};
    const uint64_t last = 10 + pushes;
    for (uint64_t step = 11; step <= last; ++step)
      ASSERT_TRUE(client->push(step, keys, split, gradients).ok());
    ASSERT_TRUE(client->wait_pushes().ok());
    const Status pulled = pull_one(*client, last + 1);
    ASSERT_TRUE(pulled.ok()) << pulled.error().message;
    ASSERT_TRUE(client->push(last + 1, keys, split, gradients).ok());
    ASSERT_TRUE(client->wait_pushes().ok());
    std::vector<size_t> expected(pushes - 2, 0);
    expected.push_back(1);
    EXPECT_EQ(lossy.keys_of_pushes(), expected);
    EXPECT_EQ(client->lost_pushes(), pushes - 2);
  }
}

TEST_F(PsClientTest, RowsOfTheWrongSizeAreAnError) {
  PlayedShard shard(context, "short", [](const Message& pull) {
    std::vector<Message> replies;
    replies.push_back(text_reply(pull.header, StatusCode::kOk, "abc"));
    replies.back().header.boot = 1;
    return replies;
  });
  const auto client = connect({shard.endpoint()});
  EXPECT_FALSE(pull_one(*client).ok());
}

TEST_F(PsClientTest, AnAnswerThatComesTwiceOrToAnAbandonedPullIsDropped) {
  PlayedShard shard(context, "twice", [](const Message& pull) {
    std::vector<Message> replies;
    replies.push_back(rows_for(pull));
    replies.push_back(rows_for(pull));
    return replies;
  });
  const auto client = connect({shard.endpoint()});
  client->abandon_pull(client->start_pull(1, keys, 0).value());
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(pull_one(*client).ok());
    EXPECT_EQ(rows[0], (std::vector<float>{5, 5}));
  }
}

// A shard of one worker whose rows all begin as their keys and change, to what they were and a
// thousand, in the steps that `changes` says; with what it was asked, in order.
class ChangingShard {
 public:
  explicit ChangingShard(std::function<bool(Key, uint64_t step)> changes)
      : changes_(std::move(changes)) {}

  std::vector<Message> operator()(const Message& request) {
    std::vector<Message> replies;
    const Header& header = request.header;
    if (header.op == Op::kPush) {
      asked.push_back(fmt::format("push {}", header.step));
      applied = header.step;
      replies.push_back(reply_to(request, boot));
      for (Message& early : std::exchange(held_, {})) replies.push_back(std::move(early));
    } else if (header.op == Op::kPing) {
      replies.push_back(text_reply(header, StatusCode::kOk, "{}"));
      replies.back().header.boot = boot;
    } else if (const bool early = (header.flags & kPullEarly) != 0; !early || !is_deaf) {
      asked.push_back(fmt::format("{} {}", early ? "early" : "pull", header.step));
      Message rows = rows_for(request);
      rows.header.flags = early && header.step > applied + 1 ? uint32_t{kPullEarly} : 0;
      (early && holds_early ? held_ : replies).push_back(std::move(rows));
      if (early && answers_twice) replies.push_back(rows_for_early(request));
    }
    return replies;
  }

  std::vector<std::string> asked;
  std::atomic<uint64_t> applied = 4, boot = 1;
  std::atomic<bool> holds_early = false;    // until the next push
  std::atomic<bool> answers_twice = false;  // early pulls
  std::atomic<bool> is_deaf = false;        // to early pulls

 private:
  Message rows_for_early(const Message& pull) {
    Message rows = rows_for(pull);
    rows.header.flags = kPullEarly;
    return rows;
  }
  float weight(Key key) const {
    float weight = static_cast<float>(key);
    for (uint64_t step = 5; step <= applied; ++step) weight += changes_(key, step) ? 1000.0f : 0.0f;
    return weight;
  }
  bool has_changed(Key key, uint64_t since) const {
    for (uint64_t step = since + 1; step <= applied; ++step)
      if (changes_(key, step)) return true;
    return false;
  }
  Message rows_for(const Message& pull) const {
    Message reply = reply_to(pull, boot);
    reply.header.step = applied;
    reply.directory = pull.directory;
    std::vector<float> values;
    std::vector<uint8_t> bits;
    size_t at = 0;
    for (TableEntry& entry : reply.directory) {
      if (pull.header.boot != boot) entry.known_step = 0;
      const size_t first_bit = bits.size() * 8;
      bits.resize(bits.size() + unchanged_bytes(entry));
      for (uint32_t i = 0; i < entry.count; ++i, ++at) {
        if (entry.known_step > 0 && !has_changed(pull.key(at), entry.known_step))
          set_unchanged(bits.data(), first_bit + i);
        else
          values.insert(values.end(), entry.dim, weight(pull.key(at)));
      }
    }
    reply.keys = zmq::message_t(bits.data(), bits.size());
    reply.values = zmq::message_t(values.data(), values.size() * sizeof(float));
    return reply;
  }

  const std::function<bool(Key, uint64_t)> changes_;
  std::vector<Message> held_;
};

// The shards have applied step 4; step 5 is being computed.
class EarlyPullTest : public PsClientTest {
 protected:
  EarlyPullTest() {
    for (Key key = 1; key < 40; ++key) keys[key % 2].push_back(key);
    keys[0].erase(keys[0].begin());
    for (const char* name : {"early-a", "early-b"})
      shards.push_back(
          std::make_unique<PlayedShard>(context, name, std::ref(played[shards.size()])));
    client = connect({shards[0]->endpoint(), shards[1]->endpoint()});
  }
  static bool is_of_step(Key key, uint64_t step) { return key % 3 == step % 3; }

  PsClient::PullId start() { return client->start_pull(6, keys, kPullEarly).value(); }
  // Waits for what was asked before.
  void hear_all() { ASSERT_TRUE(pull_one_of_step_5().ok()); }
  Status pull_one_of_step_5() {
    const std::vector<std::vector<Key>> some = {{2}, {1}};
    std::vector<std::vector<float>> its_rows(2);
    const auto id = client->start_pull(5, some, 0);
    if (!id.ok()) return id.error();
    const auto pulled = client->finish_pull(id.value(), its_rows);
    return pulled.ok() ? Status(Ok{}) : Status(pulled.error());
  }
  void push_step_5() {
    const ShardSplit split(keys, options.slots);
    std::vector<std::vector<float>> gradients(2);
    for (size_t t = 0; t < 2; ++t) gradients[t].resize(keys[t].size() * options.table_dims[t]);
    ASSERT_TRUE(client->push(5, keys, split, gradients).ok());
  }
  void expect_rows_after_step_5(PsClient::PullId id) {
    const auto pulled = client->finish_pull(id, rows);
    ASSERT_TRUE(pulled.ok()) << pulled.error().message;
    for (size_t t = 0; t < 2; ++t) {
      ASSERT_EQ(rows[t].size(), keys[t].size() * options.table_dims[t]);
      for (size_t i = 0; i < rows[t].size(); ++i) {
        const Key key = keys[t][i / options.table_dims[t]];
        ASSERT_EQ(rows[t][i], static_cast<float>(key) + (is_of_step(key, 5) ? 1000.0f : 0.0f));
      }
    }
  }

  using Asked = std::vector<std::string>;
  std::array<ChangingShard, 2> played = {ChangingShard(is_of_step), ChangingShard(is_of_step)};
  std::vector<std::unique_ptr<PlayedShard>> shards;
  std::unique_ptr<PsClient> client;
};

TEST_F(EarlyPullTest, WhatHasChangedIsAskedForBehindThePushOfTheStepBefore) {
  const PsClient::PullId id = start();
  hear_all();
  push_step_5();
  expect_rows_after_step_5(id);
  shards.clear();
  for (const ChangingShard& shard : played)
    EXPECT_EQ(shard.asked, (Asked{"early 6", "pull 5", "push 5", "pull 6"}));
}

TEST_F(EarlyPullTest, AnEarlyAnswerThatComesAfterThePushIsFollowedByAPullToo) {
  for (ChangingShard& shard : played) shard.holds_early = true;
  const PsClient::PullId id = start();
  push_step_5();
  expect_rows_after_step_5(id);
  shards.clear();
  for (const ChangingShard& shard : played)
    EXPECT_EQ(shard.asked, (Asked{"early 6", "push 5", "pull 6"}));
}

TEST_F(EarlyPullTest, WhoWaitsForRowsAsksForWhatHasChangedWithoutAPush) {
  const PsClient::PullId id = start();
  hear_all();
  for (ChangingShard& shard : played) shard.applied = 5;
  expect_rows_after_step_5(id);
}

TEST_F(EarlyPullTest, AnAnswerThatIsExactAlreadyIsAllThatIsAskedFor) {
  for (ChangingShard& shard : played) shard.applied = 5;
  expect_rows_after_step_5(start());
  shards.clear();
  for (const ChangingShard& shard : played) EXPECT_EQ(shard.asked, (Asked{"early 6"}));
}

TEST_F(EarlyPullTest, AnEarlyAnswerThatComesTwiceIsDropped) {
  for (ChangingShard& shard : played) shard.answers_twice = true;
  const PsClient::PullId id = start();
  hear_all();
  push_step_5();
  expect_rows_after_step_5(id);
  shards.clear();
  for (const ChangingShard& shard : played)
    EXPECT_EQ(shard.asked, (Asked{"early 6", "pull 5", "push 5", "pull 6"}));
}

// Rows that were told by a server that died are not kept: one that had lost pushes would have
// others.
TEST_F(EarlyPullTest, AServerThatStartsAnewAfterItsEarlyAnswerIsAskedOnceAndTellsAll) {
  const PsClient::PullId id = start();
  hear_all();
  played[0].boot = 2;
  hear_all();  // tells of the new boot: what is not due is not asked for again
  push_step_5();
  expect_rows_after_step_5(id);
  shards.clear();
  EXPECT_EQ(played[0].asked, (Asked{"early 6", "pull 5", "pull 5", "pull 5", "push 5", "pull 6"}));
  EXPECT_EQ(client->server_restarts(), 1u);
}

TEST_F(EarlyPullTest, AServerThatStartsAnewBeforeItsEarlyAnswerIsAskedAgain) {
  played[0].is_deaf = true;
  const PsClient::PullId id = start();
  hear_all();
  played[0].boot = 2;
  played[0].is_deaf = false;
  hear_all();
  push_step_5();
  expect_rows_after_step_5(id);
  shards.clear();
  EXPECT_EQ(played[0].asked, (Asked{"pull 5", "pull 5", "early 6", "pull 5", "push 5", "pull 6"}));
}

// A worker that keeps some rows of the pull of step 5, which told of step 4.
class KeptRowsTest : public EarlyPullTest {
 protected:
  KeptRowsTest() {
    known.resize(2);
    for (size_t t = 0; t < 2; ++t)
      for (const Key key : keys[t]) known[t].push_back(key % 5 < 3 ? 4 : 0);
    hear_all();
  }
  // Of the pull of step 6; the rows kept are in place.
  void expect_rows(PsClient::PullId id, const std::function<bool(size_t t, size_t i)>& is_kept) {
    std::vector<std::vector<float>> its_rows(2);
    std::vector<std::vector<uint8_t>> kept;
    const auto pulled = client->finish_pull(id, its_rows, &kept);
    ASSERT_TRUE(pulled.ok()) << pulled.error().message;
    for (size_t t = 0; t < 2; ++t) {
      ASSERT_EQ(kept[t].size(), keys[t].size());
      for (size_t i = 0; i < keys[t].size(); ++i) {
        ASSERT_EQ(kept[t][i], is_kept(t, i) ? 1 : 0) << "key " << keys[t][i];
        if (kept[t][i] == 1) continue;
        for (uint32_t d = 0; d < options.table_dims[t]; ++d)
          ASSERT_EQ(its_rows[t][i * options.table_dims[t] + d],
                    static_cast<float>(keys[t][i]) + (is_of_step(keys[t][i], 5) ? 1000.0f : 0.0f));
      }
    }
  }
  bool is_known_and_unchanged(size_t t, size_t i) const {
    return known[t][i] > 0 && !is_of_step(keys[t][i], 5);
  }

  std::vector<std::vector<uint64_t>> known;
};

TEST_F(KeptRowsTest, RowsThatHaveNotChangedAreKeptAndThoseThatHaveCome) {
  for (ChangingShard& shard : played) shard.applied = 5;
  expect_rows(client->start_pull(6, keys, 0, known).value(),
              [&](size_t t, size_t i) { return is_known_and_unchanged(t, i); });
}

TEST_F(KeptRowsTest, RowsThatHaveNotChangedSinceAnEarlyAnswerEitherAreKept) {
  const PsClient::PullId id = client->start_pull(6, keys, kPullEarly, known).value();
  hear_all();
  push_step_5();
  expect_rows(id, [&](size_t t, size_t i) { return is_known_and_unchanged(t, i); });
}

TEST_F(KeptRowsTest, NothingIsKeptOfWhatAServerToldThatIsNoMore) {
  played[0].boot = 2;
  played[1].boot = 3;
  for (ChangingShard& shard : played) shard.applied = 5;
  const auto pull = [&] { return client->start_pull(6, keys, 0, known).value(); };
  const auto nothing = [](size_t, size_t) { return false; };
  expect_rows(pull(), nothing);  // it was asked for before the new servers were heard of
  expect_rows(pull(), nothing);
  for (auto& table : known)
    for (uint64_t& step : table) step = step > 0 ? 5 : 0;  // as those told
  expect_rows(pull(), [&](size_t t, size_t i) { return known[t][i] > 0; });
}

TEST_F(PsClientTest, AnAnswerToOtherKeysOrOfAnotherKnownStepIsAnError) {
  const std::vector<std::function<void(Message&)>> changes = {
      [](Message& reply) { reply.directory[0].table = 1; },
      [](Message& reply) { reply.directory.push_back({.table = 1, .dim = 3}); },
      [](Message& reply) {
        reply.directory[0].known_step = 3;
        reply.keys = zmq::message_t(std::string_view("\1"));
        reply.values = zmq::message_t();
      }};
  for (size_t i = 0; i < changes.size(); ++i) {
    PlayedShard shard(context, fmt::format("other-{}", i), [&](const Message& pull) {
      std::vector<Message> replies;
      replies.push_back(rows_for(pull));
      if (pull.header.op == Op::kPull) changes[i](replies.back());
      return replies;
    });
    const auto client = connect({shard.endpoint()});
    const Status status = pull_one(*client);
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(status.error().message, HasSubstr("other rows than were asked for"));
  }
}

TEST_F(PsClientTest, SilenceEndsWithTheNameOfTheSilentShard) {
  PlayedShard shard(context, "silent", [](const Message&) { return std::vector<Message>{}; });
  options.timeout_s = 1;
  const auto client = connect({shard.endpoint()});
  const Status status = pull_one(*client);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("ps.timeout_s"));
  EXPECT_THAT(status.error().message, HasSubstr("inproc://silent"));
}

TEST_F(PsClientTest, NeverMorePushesThanTheWindowAreUnderWay) {
  std::vector<Message> held;
  std::atomic<size_t> most = 0, received = 0;
  PlayedShard shard(context, "slow", [&](const Message& push) {
    std::vector<Message> replies;
    if (push.header.op != Op::kPush) return replies;
    ++received;
    EXPECT_EQ(push.header.sequence, received);
    held.push_back(reply_to(push));
    most = std::max<size_t>(most, held.size());
    if (held.size() == 3) std::swap(replies, held);  // a full window: all are answered
    return replies;
  });
  options.window = 3;
  const auto client = connect({shard.endpoint()});
  const std::vector<std::vector<float>> gradients = {{1, 2}, {}};
  const ShardSplit split(keys, options.slots);
  for (uint64_t step = 1; step <= 30; ++step)
    ASSERT_TRUE(client->push(step, keys, split, gradients).ok());
  ASSERT_TRUE(client->wait_pushes().ok());
  EXPECT_EQ(received, 30u);
  EXPECT_EQ(most, 3u);
}

}  // namespace
}  // namespace cairn
