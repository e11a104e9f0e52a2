#include "common/wire/replies.h"

#include <gtest/gtest.h>

#include <limits>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn {
namespace {

Pong random_pong(RandomStream& random) {
  Pong pong;
  if (random.next_below(2) == 0) pong.applied_step = random.next_below(UINT64_MAX);
  if (random.next_below(2) == 0) pong.accepted = random.next_below(UINT64_MAX);
  for (uint64_t n = random.next_below(4); n > 0; --n)
    pong.missing.push_back(static_cast<uint32_t>(random.next_below(UINT32_MAX)));
  return pong;
}

CheckpointReply random_reply(RandomStream& random) {
  CheckpointReply reply{.slots = {5, static_cast<uint32_t>(6 + random.next_below(100))}};
  for (uint64_t n = random.next_below(4); n > 0; --n)
    reply.files.push_back({"file \"" + std::to_string(n) + "\\", random.next_below(UINT64_MAX)});
  if (random.next_below(2) == 0) reply.rows = {1, std::numeric_limits<uint64_t>::max()};
  return reply;
}

TEST(Replies, ComeBackAsTheyWere) {
  RandomStream random(test_seed(), 70);
  for (int i = 0; i < 200; ++i) {
    const Pong pong = random_pong(random);
    EXPECT_EQ(parse_pong(to_json(pong)).value(), pong);
    const CheckpointReply reply = random_reply(random);
    EXPECT_EQ(parse_checkpoint_reply(to_json(reply)).value(), reply);
  }
  const CheckpointRequest request{"/a folder/\"x\""};
  EXPECT_EQ(parse_checkpoint_request(to_json(request)).value(), request);
}

TEST(Replies, HaveTheTextOfTheVersionBefore) {
  EXPECT_EQ(to_json(Pong{.applied_step = 7, .missing = {0, 2}, .accepted = 3}),
            R"({"accepted":3,"applied_step":7,"missing":[0,2]})");
  EXPECT_EQ(to_json(CheckpointRequest{"f"}), R"({"folder":"f"})");
  EXPECT_EQ(to_json(CheckpointReply{.files = {{"a", 1}}, .slots = {0, 9}, .rows = {}}),
            R"({"files":[{"bytes":1,"name":"a"}],"rows":null,"slots":[0,9]})");
}

TEST(Replies, EveryTruncationIsRefused) {
  RandomStream random(test_seed(), 71);
  const std::string pong = to_json(random_pong(random)), reply = to_json(random_reply(random));
  for (size_t bytes = 0; bytes < pong.size(); ++bytes)
    EXPECT_FALSE(parse_pong(pong.substr(0, bytes)).ok());
  for (size_t bytes = 0; bytes < reply.size(); ++bytes)
    EXPECT_FALSE(parse_checkpoint_reply(reply.substr(0, bytes)).ok());
}

TEST(Replies, ValuesOfAnotherTypeAreRefused) {
  for (const char* text : {"[]", "7", R"({"applied_step":-1})", R"({"accepted":"3"})",
                           R"({"missing":7})", R"({"missing":[4294967296]})"})
    EXPECT_FALSE(parse_pong(text).ok()) << text;
  for (const char* text : {"{}", R"({"folder":7})", R"(["folder"])"})
    EXPECT_FALSE(parse_checkpoint_request(text).ok()) << text;
  for (const char* text :
       {"{}", R"({"files":{},"slots":[0,1]})", R"({"files":[7],"slots":[0,1]})",
        R"({"files":[{"name":"a"}],"slots":[0,1]})", R"({"files":[],"slots":[0]})",
        R"({"files":[],"slots":[0,1],"rows":[-1]})"})
    EXPECT_FALSE(parse_checkpoint_reply(text).ok()) << text;
}

}  // namespace
}  // namespace cairn
