cairn_test(wire_test
  SOURCES net/endpoint_test.cpp wire/message_test.cpp
  LIBRARIES cairn_net)
