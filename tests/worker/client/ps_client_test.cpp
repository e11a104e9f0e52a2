// The client against shards that a test plays.
#include "worker/client/ps_client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <deque>

#include "common/random.h"
#include "tests/seed.h"
#include "tests/worker/client/played_shard.h"

namespace cairn::client {
namespace {

using testing::HasSubstr;

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

TEST_F(PsClientTest, WhatANewServerRunHasNotAnsweredIsSentAgainInOrder) {
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
      if (died) replies.back().header.server_run = 2;
    } else if (request.header.op == Op::kPull) {
      replies.push_back(rows_for(request));
      replies.back().header.server_run = 2;
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
    if (header.op == Op::kPull && server_run_ == 1) {
      server_run_ = 2;
      accepted_ = 2;
      applied_ = 12;
      replies.push_back(pong(header));  // the pull is lost with the process
    } else if (header.op == Op::kPull) {
      deferred_pulls_.push_back(rows_for(request));
    } else if (header.op == Op::kPing) {
      replies.push_back(pong(header));
    } else if (header.sequence != accepted_ + 1) {
      replies.push_back(text_reply(header, StatusCode::kOutOfOrder, "not expected"));
      replies.back().header.sequence = accepted_ + 1;
    } else {
      ++accepted_;
      EXPECT_EQ(header.step, 10 + accepted_);
      applied_ = header.step;
      if (server_run_ == 2) keys_.push_back(request.key_count());
      replies.push_back(reply_to(request));
    }
    for (; !deferred_pulls_.empty() && applied_ + 1 >= deferred_pulls_.front().header.step;
         deferred_pulls_.pop_front())
      replies.push_back(std::move(deferred_pulls_.front()));
    for (Message& reply : replies) reply.header.server_run = server_run_;
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
  uint64_t server_run_ = 1, accepted_ = 0, applied_ = 10;
  std::deque<Message> deferred_pulls_;  // answers to pulls
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
    replies.back().header.server_run = 1;
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

TEST_F(PsClientTest, AnAnswerToOtherKeysOrOfAnotherChangedSinceIsAnError) {
  const std::vector<std::function<void(Message&)>> changes = {
      [](Message& reply) { reply.directory[0].table = 1; },
      [](Message& reply) { reply.directory.push_back({.table = 1, .dim = 3}); },
      [](Message& reply) {
        reply.directory[0].changed_since = 3;
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
}  // namespace cairn::client
