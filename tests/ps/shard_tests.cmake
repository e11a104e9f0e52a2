cairn_test(server_test
  SOURCES server_test.cpp
  LIBRARIES cairn_ps nlohmann_json::nlohmann_json)
