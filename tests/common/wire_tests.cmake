cairn_test(wire_test
  SOURCES net/endpoint_test.cpp wire/message_test.cpp wire/replies_test.cpp
  LIBRARIES cairn_net)
