#include "common/net/endpoint.h"

#include <gtest/gtest.h>

#include "common/net/sockets.h"

namespace cairn {
namespace {

const std::string kKey = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";

TEST(Endpoint, ComesBackFromItsTextWithAndWithoutAKey) {
  for (const Endpoint& endpoint :
       {Endpoint("tcp://10.0.0.1:5555"), Endpoint("ipc:///tmp/shard-0"),
        Endpoint("inproc://shard-3"), Endpoint("tcp://host.example:1", kKey)}) {
    const Result<Endpoint> back = parse_endpoint(endpoint.text());
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(back.value(), endpoint);
  }
}

TEST(Endpoint, WhatIsNoneIsRefusedWithItsText) {
  for (const std::string text :
       {"", "host:5555", "udp://1.2.3.4:5", "tcp://", "tcp://host", "tcp://host:1 short",
        "tcp://host:1 JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh,6"}) {
    const Result<Endpoint> parsed = parse_endpoint(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(parsed.error().message.find("'" + text + "'"), std::string::npos);
  }
}

TEST(Sockets, BindToAPortOfTheSystemAndCarryAMessageBothWays) {
  zmq::context_t context;
  Result<BoundSocket> bound = bind_router(context, Endpoint("tcp://127.0.0.1:*"), 4);
  ASSERT_TRUE(bound.ok()) << bound.error().message;
  EXPECT_EQ(bound.value().endpoint.address.find('*'), std::string::npos);
  Result<zmq::socket_t> dealer = connect_dealer(context, bound.value().endpoint);
  ASSERT_TRUE(dealer.ok()) << dealer.error().message;
  dealer.value().send(zmq::buffer("hello", 5), zmq::send_flags::none);
  zmq::message_t peer, text;
  zmq::socket_t& router = bound.value().socket;
  ASSERT_TRUE(router.recv(peer).has_value());
  ASSERT_TRUE(router.recv(text).has_value());
  EXPECT_EQ(text.to_string(), "hello");
  router.send(peer, zmq::send_flags::sndmore);
  router.send(zmq::buffer("world", 5), zmq::send_flags::none);
  ASSERT_TRUE(dealer.value().recv(text).has_value());
  EXPECT_EQ(text.to_string(), "world");
}

TEST(Sockets, AnEndpointThatIsTakenOrHasAKeyIsAnErrorThatNamesIt) {
  zmq::context_t context;
  Result<BoundSocket> bound = bind_router(context, Endpoint("tcp://127.0.0.1:*"), 4);
  ASSERT_TRUE(bound.ok());
  const std::string address = bound.value().endpoint.address;
  const Result<BoundSocket> again = bind_router(context, bound.value().endpoint, 4);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(again.error().message.find(address), std::string::npos);
  for (const ErrorCode code : {bind_router(context, Endpoint("inproc://a", kKey), 4).error().code,
                               connect_dealer(context, Endpoint("inproc://a", kKey)).error().code})
    EXPECT_EQ(code, ErrorCode::kInvalidArgument);
}

TEST(Sockets, ALostConnectionIsToldOf) {
  zmq::context_t context;
  Result<BoundSocket> bound = bind_router(context, Endpoint("tcp://127.0.0.1:*"), 4);
  ASSERT_TRUE(bound.ok());
  Result<zmq::socket_t> dealer = connect_dealer(context, bound.value().endpoint);
  ASSERT_TRUE(dealer.ok());
  Result<zmq::socket_t> monitor = watch_for_lost_connection(context, dealer.value());
  ASSERT_TRUE(monitor.ok());
  dealer.value().send(zmq::buffer("x", 1), zmq::send_flags::none);
  zmq::message_t part;
  ASSERT_TRUE(bound.value().socket.recv(part).has_value());  // there is a connection
  bound.value().socket.close();
  EXPECT_TRUE(monitor.value().recv(part).has_value());
}

}  // namespace
}  // namespace cairn
