cairn_test(shard_test
  SOURCES gradient_merge_test.cpp hot_table_test.cpp hot_tier_test.cpp initializer_test.cpp
          shard_simulation_test.cpp shard_test.cpp
  LIBRARIES cairn_ps nlohmann_json::nlohmann_json)
cairn_test(server_test
  SOURCES server_test.cpp tsan_suppressions.cpp
  LIBRARIES cairn_ps nlohmann_json::nlohmann_json)
