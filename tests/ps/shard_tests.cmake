cairn_test(shard_test
  SOURCES shard_simulation_test.cpp shard_test.cpp
  LIBRARIES cairn_ps nlohmann_json::nlohmann_json)
cairn_test(server_test
  SOURCES server_test.cpp
  LIBRARIES cairn_ps nlohmann_json::nlohmann_json)
