// Speculative pulls, and rows that the client's owner keeps.
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <deque>

#include "tests/worker/client/played_shard.h"

namespace cairn::client {
namespace {

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
      replies.push_back(reply_to(request, server_run));
      for (Message& early : std::exchange(held_, {})) replies.push_back(std::move(early));
    } else if (header.op == Op::kPing) {
      replies.push_back(text_reply(header, StatusCode::kOk, "{}"));
      replies.back().header.server_run = server_run;
    } else if (const bool early = (header.flags & kPullSpeculative) != 0; !early || !is_deaf) {
      asked.push_back(fmt::format("{} {}", early ? "early" : "pull", header.step));
      Message rows = rows_for(request);
      rows.header.flags = early && header.step > applied + 1 ? uint32_t{kPullSpeculative} : 0;
      (early && holds_early ? held_ : replies).push_back(std::move(rows));
      if (early && answers_twice) replies.push_back(rows_for_early(request));
    }
    return replies;
  }

  std::vector<std::string> asked;
  std::atomic<uint64_t> applied = 4, server_run = 1;
  std::atomic<bool> holds_early = false;    // until the next push
  std::atomic<bool> answers_twice = false;  // speculative pulls
  std::atomic<bool> is_deaf = false;        // to speculative pulls

 private:
  Message rows_for_early(const Message& pull) {
    Message rows = rows_for(pull);
    rows.header.flags = kPullSpeculative;
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
    Message reply = reply_to(pull, server_run);
    reply.header.step = applied;
    reply.directory = pull.directory;
    std::vector<float> values;
    std::vector<uint8_t> bits;
    size_t at = 0;
    for (TableEntry& entry : reply.directory) {
      if (pull.header.server_run != server_run) entry.changed_since = 0;
      const size_t first_bit = bits.size() * 8;
      bits.resize(bits.size() + unchanged_bytes(entry));
      for (uint32_t i = 0; i < entry.count; ++i, ++at) {
        if (entry.changed_since > 0 && !has_changed(pull.key(at), entry.changed_since))
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
class SpeculativePullTest : public PsClientTest {
 protected:
  SpeculativePullTest() {
    for (Key key = 1; key < 40; ++key) keys[key % 2].push_back(key);
    keys[0].erase(keys[0].begin());
    for (const char* name : {"early-a", "early-b"})
      shards.push_back(
          std::make_unique<PlayedShard>(context, name, std::ref(played[shards.size()])));
    client = connect({shards[0]->endpoint(), shards[1]->endpoint()});
  }
  static bool is_of_step(Key key, uint64_t step) { return key % 3 == step % 3; }

  PsClient::PullId start() { return client->start_pull(6, keys, kPullSpeculative).value(); }
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

  void expect_asked_early_and_behind_the_push() {
    const PsClient::PullId id = start();
    hear_all();
    push_step_5();
    expect_rows_after_step_5(id);
    shards.clear();
    for (const ChangingShard& shard : played)
      EXPECT_EQ(shard.asked, (Asked{"early 6", "pull 5", "push 5", "pull 6"}));
  }

  using Asked = std::vector<std::string>;
  std::array<ChangingShard, 2> played = {ChangingShard(is_of_step), ChangingShard(is_of_step)};
  std::vector<std::unique_ptr<PlayedShard>> shards;
  std::unique_ptr<PsClient> client;
};

TEST_F(SpeculativePullTest, WhatHasChangedIsAskedForBehindThePushOfTheStepBefore) {
  expect_asked_early_and_behind_the_push();
}

TEST_F(SpeculativePullTest, ASpeculativeAnswerThatComesAfterThePushIsFollowedByAPullToo) {
  for (ChangingShard& shard : played) shard.holds_early = true;
  const PsClient::PullId id = start();
  push_step_5();
  expect_rows_after_step_5(id);
  shards.clear();
  for (const ChangingShard& shard : played)
    EXPECT_EQ(shard.asked, (Asked{"early 6", "push 5", "pull 6"}));
}

TEST_F(SpeculativePullTest, WhoWaitsForRowsAsksForWhatHasChangedWithoutAPush) {
  const PsClient::PullId id = start();
  hear_all();
  for (ChangingShard& shard : played) shard.applied = 5;
  expect_rows_after_step_5(id);
}

TEST_F(SpeculativePullTest, AnAnswerThatIsExactAlreadyIsAllThatIsAskedFor) {
  for (ChangingShard& shard : played) shard.applied = 5;
  expect_rows_after_step_5(start());
  shards.clear();
  for (const ChangingShard& shard : played) EXPECT_EQ(shard.asked, (Asked{"early 6"}));
}

TEST_F(SpeculativePullTest, ASpeculativeAnswerThatComesTwiceIsDropped) {
  for (ChangingShard& shard : played) shard.answers_twice = true;
  expect_asked_early_and_behind_the_push();
}

// Rows that were told by a server that died are not kept: one that had lost pushes would have
// others.
TEST_F(SpeculativePullTest, AServerThatStartsAnewAfterItsSpeculativeAnswerIsAskedOnceAndTellsAll) {
  const PsClient::PullId id = start();
  hear_all();
  played[0].server_run = 2;
  hear_all();  // tells of the new server run: what is not due is not asked for again
  push_step_5();
  expect_rows_after_step_5(id);
  shards.clear();
  EXPECT_EQ(played[0].asked, (Asked{"early 6", "pull 5", "pull 5", "pull 5", "push 5", "pull 6"}));
  EXPECT_EQ(client->server_restarts(), 1u);
}

TEST_F(SpeculativePullTest, AServerThatStartsAnewBeforeItsSpeculativeAnswerIsAskedAgain) {
  played[0].is_deaf = true;
  const PsClient::PullId id = start();
  hear_all();
  played[0].server_run = 2;
  played[0].is_deaf = false;
  hear_all();
  push_step_5();
  expect_rows_after_step_5(id);
  shards.clear();
  EXPECT_EQ(played[0].asked, (Asked{"pull 5", "pull 5", "early 6", "pull 5", "push 5", "pull 6"}));
}

// A worker that keeps some rows of the pull of step 5, which told of step 4.
class KeptRowsTest : public SpeculativePullTest {
 protected:
  KeptRowsTest() {
    known.resize(2);
    for (size_t t = 0; t < 2; ++t)
      for (const Key key : keys[t]) known[t].push_back(key % 5 < 3 ? 4 : 0);
    hear_all();
  }
  // Expects the rows of the pull of step 6; the rows kept are in place.
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

TEST_F(KeptRowsTest, RowsThatHaveNotChangedSinceASpeculativeAnswerEitherAreKept) {
  const PsClient::PullId id = client->start_pull(6, keys, kPullSpeculative, known).value();
  hear_all();
  push_step_5();
  expect_rows(id, [&](size_t t, size_t i) { return is_known_and_unchanged(t, i); });
}

TEST_F(KeptRowsTest, NothingIsKeptOfWhatAServerToldThatIsNoMore) {
  played[0].server_run = 2;
  played[1].server_run = 3;
  for (ChangingShard& shard : played) shard.applied = 5;
  const auto pull = [&] { return client->start_pull(6, keys, 0, known).value(); };
  const auto nothing = [](size_t, size_t) { return false; };
  expect_rows(pull(), nothing);  // it was asked for before the new servers were heard of
  expect_rows(pull(), nothing);
  for (auto& table : known)
    for (uint64_t& step : table) step = step > 0 ? 5 : 0;  // as those told
  expect_rows(pull(), [&](size_t t, size_t i) { return known[t][i] > 0; });
}

}  // namespace
}  // namespace cairn::client
