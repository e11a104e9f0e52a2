#include "common/wire/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn {
namespace {

using Parts = std::vector<zmq::message_t>;

// Two tables of dim 2 and 3 with 3 and 1 keys.
Message example(Op op) {
  Message message;
  message.header.op = op;
  message.header.incarnation = 0x1122334455667788;
  message.header.sequence = 7;
  message.header.step = 9;
  message.header.worker = 1;
  message.header.map_version = 1;
  message.header.tables = 2;
  message.directory = {{.table = 2, .count = 3, .dim = 2, .changed_since = 5},
                       {.table = 4, .count = 1, .dim = 3}};
  const Key keys[] = {1, 5, ~Key{0}, 3};
  message.keys = zmq::message_t(keys, sizeof keys);
  if (op == Op::kPush) {
    const float values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    message.values = zmq::message_t(values, sizeof values);
  }
  return message;
}

Parts copy_of(const Parts& parts) {
  Parts copy;
  for (const zmq::message_t& part : parts) copy.emplace_back(part.data(), part.size());
  return copy;
}

std::string bytes_of(const zmq::message_t& part) {
  return {static_cast<const char*>(part.data()), part.size()};
}

// The reason why `message` is refused after `change`, or "" if it is not.
std::string refusal(Message message, const std::function<void(Message&)>& change) {
  change(message);
  Parts parts = to_parts(std::move(message));
  const Result<Message> parsed = parse_message(parts);
  return parsed.ok() ? "" : parsed.error().message;
}

TEST(Message, RoundTrips) {
  for (const Op op : {Op::kPull, Op::kPush}) {
    Parts parts = to_parts(example(op));
    ASSERT_EQ(parts.size(), kMessageParts);
    const Parts sent = copy_of(parts);
    const Result<Message> parsed = parse_message(parts);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    const Message& message = parsed.value();
    EXPECT_EQ(message.header.sequence, 7u);
    EXPECT_EQ(message.key_count(), 4u);
    EXPECT_EQ(message.key(2), ~Key{0});
    EXPECT_EQ(message.directory[0].changed_since, 5u);
    EXPECT_EQ(bytes_of(sent[2]), bytes_of(message.keys));
    EXPECT_EQ(bytes_of(sent[3]), bytes_of(message.values));
    EXPECT_EQ(0, std::memcmp(sent[0].data(), &message.header, sizeof(Header)));
  }
}

TEST(Message, ReplyOfRowsAndReplyOfTextRoundTrip) {
  Message rows = example(Op::kPull);
  rows.directory[0].changed_since = 0;
  rows.keys = zmq::message_t();
  rows.values = zmq::message_t(9 * sizeof(float));
  Parts parts = to_parts(std::move(rows));
  EXPECT_TRUE(parse_message(parts).ok());

  Header request = example(Op::kPush).header;
  request.magic = 1;  // a reply is well-formed whatever it answers
  request.reserved[3] = 1;
  parts = to_parts(text_reply(request, StatusCode::kOutOfOrder, "expected 5"));
  const Result<Message> parsed = parse_message(parts);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed.value().text(), "expected 5");
  EXPECT_EQ(parsed.value().header.status, StatusCode::kOutOfOrder);
  EXPECT_EQ(parsed.value().header.step, 9u);
}

// Table 2 has 13 known keys, of which the first, the ninth and the last have not changed, and one
// that is not; of table 4 one known key that has changed.
Message example_reply() {
  Message reply = example(Op::kPull);
  reply.directory = {{.table = 2, .count = 1, .dim = 2},
                     {.table = 2, .count = 13, .dim = 2, .changed_since = 5},
                     {.table = 4, .count = 1, .dim = 3, .changed_since = 6}};
  const uint8_t bits[] = {0b00000001, 0b00010001, 0};
  reply.keys = zmq::message_t(bits, sizeof bits);
  reply.values = zmq::message_t((2 + 10 * 2 + 3) * sizeof(float));
  std::memset(reply.values.data(), 0, reply.values.size());
  return reply;
}

TEST(Message, ReplyWithoutTheRowsThatHaveNotChangedRoundTrips) {
  Parts parts = to_parts(example_reply());
  const Parts sent = copy_of(parts);
  const Result<Message> parsed = parse_message(parts);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const Message& reply = parsed.value();
  EXPECT_EQ(bytes_of(sent[2]), bytes_of(reply.keys));
  EXPECT_EQ(bytes_of(sent[3]), bytes_of(reply.values));
  std::vector<size_t> unchanged;
  for (size_t key = 0; key < 13; ++key)
    if (is_unchanged(reply.keys.data<uint8_t>(), key)) unchanged.push_back(key);
  EXPECT_EQ(unchanged, (std::vector<size_t>{0, 8, 12}));

  std::vector<uint8_t> bits(2);
  for (const size_t key : unchanged) set_unchanged(bits.data(), key);
  EXPECT_EQ(0, std::memcmp(bits.data(), reply.keys.data(), bits.size()));
}

TEST(Message, OfAReplyEveryBitCounts) {
  EXPECT_EQ(refusal(example_reply(), [](Message&) {}), "");
  for (size_t bit = 0; bit < 24; ++bit) {
    const std::string why = refusal(example_reply(), [&](Message& m) {
      m.keys.data<uint8_t>()[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    });
    const bool behind = (bit > 12 && bit < 16) || bit > 16;
    EXPECT_THAT(why, testing::HasSubstr(behind ? "bits behind" : "values cut short or too long"));
  }
  const auto refused = [](const std::function<void(Message&)>& change) {
    return refusal(example_reply(), change) != "";
  };
  for (const size_t bytes : {0, 1, 2, 4, 15 * 8})
    EXPECT_TRUE(refused([&](Message& m) {
      m.keys = zmq::message_t(bytes);
      std::memset(m.keys.data(), 0, bytes);
    })) << bytes;
  for (size_t bytes = 0; bytes < 400; ++bytes)
    EXPECT_EQ(refused([&](Message& m) { m.values = zmq::message_t(bytes); }), bytes != 100);
  EXPECT_TRUE(refused([](Message& m) { m.header.op = Op::kPush; }));
  EXPECT_TRUE(refused([](Message& m) { m.header.status = StatusCode::kFailed; }));
  EXPECT_TRUE(refused([](Message& m) { m.directory[1].changed_since = 0; }));
  EXPECT_TRUE(refused([](Message& m) { m.directory[0].changed_since = 1; }));
  EXPECT_TRUE(refused([](Message& m) { m.directory[1].count = 12; }));
}

TEST(Message, OnlyAPullHasATableInSeveralEntriesAndTheyAscendByChangedSince) {
  const auto sections = [](Op op, uint64_t first, uint64_t second) {
    return refusal(example(op), [&](Message& m) {
      m.directory = {{.table = 2, .count = 3, .dim = 2, .changed_since = first},
                     {.table = 2, .count = 1, .dim = 3, .changed_since = second}};
    });
  };
  EXPECT_EQ(sections(Op::kPull, 0, 5), "");
  EXPECT_EQ(sections(Op::kPull, 5, 5), "");
  EXPECT_EQ(sections(Op::kPull, 5, 4), "table 2: out of order");
  EXPECT_EQ(sections(Op::kPush, 0, 5), "table 2: out of order");
  Message message = example(Op::kPull);
  message.directory.assign(kEntriesMax + 1, {});
  EXPECT_EQ(refusal(std::move(message), [](Message&) {}), "too many tables");
}

TEST(Message, AnswersThePullWhoseEntriesItHas) {
  Message asked = example_reply();
  const std::vector<Key> keys(15);
  asked.keys = zmq::message_t(keys.data(), keys.size() * sizeof(Key));
  asked.values = zmq::message_t();
  const auto answer = [&](const std::function<void(Message&)>& change) {
    Message reply = example_reply();
    change(reply);
    return answers(reply, asked);
  };
  EXPECT_TRUE(answer([](Message&) {}));
  EXPECT_TRUE(answer([](Message& m) {  // of another server: all rows
    for (TableEntry& entry : m.directory) entry.changed_since = 0;
    m.keys = zmq::message_t();
  }));
  EXPECT_FALSE(answer([](Message& m) { m.directory.pop_back(); }));
  EXPECT_FALSE(answer([](Message& m) { m.directory[1].table = 3; }));
  EXPECT_FALSE(answer([](Message& m) { m.directory[1].count = 14; }));
  EXPECT_FALSE(answer([](Message& m) { m.directory[1].dim = 3; }));
  EXPECT_FALSE(answer([](Message& m) { m.directory[1].dtype = ValueType::kBfloat16; }));
  EXPECT_FALSE(answer([](Message& m) { m.directory[1].changed_since = 4; }));
  EXPECT_FALSE(answers(asked, asked)) << "a request is no answer";
}

TEST(Message, RejectsEveryTruncation) {
  const Parts parts = to_parts(example(Op::kPush));
  for (size_t part = 0; part < kMessageParts; ++part) {
    for (size_t length = 0; length < parts[part].size(); ++length) {
      Parts cut = copy_of(parts);
      cut[part] = zmq::message_t(parts[part].data(), length);
      EXPECT_FALSE(parse_message(cut).ok()) << "part " << part << " of " << length << " bytes";
    }
    Parts longer = copy_of(parts);
    longer[part] = zmq::message_t(parts[part].size() + 1);
    std::memset(longer[part].data(), 0, longer[part].size());
    std::memcpy(longer[part].data(), parts[part].data(), parts[part].size());
    EXPECT_FALSE(parse_message(longer).ok()) << "part " << part << " is one byte too long";
  }
  for (size_t count = 0; count < kMessageParts; ++count) {
    Parts fewer = copy_of(parts);
    fewer.resize(count);
    EXPECT_FALSE(parse_message(fewer).ok());
  }
  Parts more = copy_of(parts);
  more.emplace_back();
  EXPECT_FALSE(parse_message(more).ok());
}

TEST(Message, RefusesWhatBreaksABound) {
  const auto push = [](const std::function<void(Message&)>& change) {
    return refusal(example(Op::kPush), change);
  };
  EXPECT_EQ(push([](Message&) {}), "");
  EXPECT_EQ(push([](Message& m) { m.header.magic ^= 1; }), "not a Cairn message");
  EXPECT_THAT(push([](Message& m) { m.header.version = 1; }), testing::HasSubstr("wire version 1"));
  EXPECT_EQ(push([](Message& m) { m.header.op = Op{0}; }), "unknown op");
  EXPECT_EQ(push([](Message& m) { m.header.op = Op{6}; }), "unknown op");
  EXPECT_EQ(push([](Message& m) { m.header.status = StatusCode{6}; }), "unknown status");
  EXPECT_NE(push([](Message& m) { m.header.reserved[7] = 1; }), "");
  EXPECT_NE(push([](Message& m) { m.header.op = Op::kPing; }), "");
  EXPECT_NE(push([](Message& m) { m.header.status = StatusCode::kFailed; }), "");
  EXPECT_EQ(push([](Message& m) { m.directory[1].table = 2; }), "table 2: out of order");
  EXPECT_EQ(push([](Message& m) { m.directory[0].count = kKeysMax + 1; }),
            "table 2: too many keys");
  EXPECT_EQ(push([](Message& m) { m.directory[0].dim = kDimMax + 1; }), "table 2: dim too large");
  EXPECT_NE(push([](Message& m) { m.directory[0].dtype = ValueType{2}; }), "");
  // Half of the bytes that came.
  EXPECT_NE(push([](Message& m) { m.directory[0].dtype = ValueType::kBfloat16; }), "");
  EXPECT_NE(push([](Message& m) { m.directory[0].reserved[0] = 1; }), "");
  EXPECT_NE(push([](Message& m) { m.directory[0].dim = 3; }), "");
  EXPECT_EQ(push([](Message& m) { m.directory.resize(kTablesMax + 1); }), "too many tables");
  // A pull has no gradients, and gradients have keys.
  EXPECT_NE(push([](Message& m) { m.header.op = Op::kPull; }), "");
  EXPECT_NE(push([](Message& m) { m.keys = zmq::message_t(); }), "");
  EXPECT_NE(push([](Message& m) { m.directory.clear(); }), "");
}

TEST(Message, ProductsOfTheBoundsDoNotOverflow) {
  Message message = example(Op::kPush);
  message.directory.clear();
  for (uint32_t table = 0; table < kTablesMax; ++table)
    message.directory.push_back({.table = table, .count = kKeysMax, .dim = kDimMax});
  EXPECT_EQ(refusal(std::move(message), [](Message&) {}), "keys cut short or too long");
  message = example(Op::kPull);
  message.directory.assign(kEntriesMax, {.count = kKeysMax, .dim = kDimMax});
  EXPECT_EQ(refusal(std::move(message), [](Message&) {}), "keys cut short or too long");
}

TEST(Message, KeysStrictlyAscendInsideATableAndStartAgainInTheNext) {
  const auto with_keys = [](std::vector<Key> keys) {
    return refusal(example(Op::kPush), [&](Message& m) {
      m.keys = zmq::message_t(keys.data(), keys.size() * sizeof(Key));
    });
  };
  EXPECT_EQ(with_keys({1, 2, 3, 1}), "");
  EXPECT_EQ(with_keys({1, 2, 2, 1}), "table 2: keys do not ascend");
  EXPECT_EQ(with_keys({2, 1, 3, 1}), "table 2: keys do not ascend");
}

TEST(Message, RandomMutationsNeverCrash) {
  RandomStream random(test_seed(), 1);
  size_t accepted = 0;
  for (int round = 0; round < 50'000; ++round) {
    Parts parts = to_parts(round % 3 == 0 ? example_reply()
                                          : example(round % 3 == 1 ? Op::kPull : Op::kPush));
    for (uint64_t changes = 1 + random.next_below(4); changes > 0; --changes) {
      zmq::message_t& part = parts[random.next_below(kMessageParts)];
      if (part.size() == 0) continue;
      static_cast<uint8_t*>(part.data())[random.next_below(part.size())] =
          static_cast<uint8_t>(random.next_u32());
    }
    const Result<Message> parsed = parse_message(parts);
    if (!parsed.ok()) continue;
    ++accepted;  // a gradient or a step may be anything
    for (size_t i = 0; i < parsed.value().key_count(); ++i) parsed.value().key(i);
    const uint8_t* bits = parsed.value().keys.data<uint8_t>();
    for (const TableEntry& entry : parsed.value().directory) {
      if (!answers(parsed.value(), parsed.value())) break;
      for (size_t i = 0; entry.changed_since > 0 && i < entry.count; ++i) is_unchanged(bits, i);
      bits += unchanged_bytes(entry);
    }
  }
  EXPECT_GT(accepted, 0u);
}

TEST(Message, HeaderOfAShortPartIsFilledWithDefaults) {
  const uint32_t garbage = 5;
  const Header header = header_of(zmq::message_t(&garbage, sizeof garbage));
  EXPECT_EQ(header.magic, 5u);
  EXPECT_EQ(header.version, kWireVersion);
  EXPECT_EQ(header.sequence, 0u);
  EXPECT_EQ(header_of(zmq::message_t()).magic, kWireMagic);
}

}  // namespace
}  // namespace cairn
