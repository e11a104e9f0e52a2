cairn_test(wire_test
  SOURCES wire/message_test.cpp
  LIBRARIES cairn_wire)
