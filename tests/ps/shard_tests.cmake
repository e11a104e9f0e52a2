cairn_test(shard_test
  SOURCES cold_reads_test.cpp cold_shard_test.cpp gradient_merge_test.cpp hot_table_test.cpp hot_tier_test.cpp initializer_test.cpp
          policy/admission_test.cpp policy/key_filter_test.cpp policy/removal_test.cpp
          policy/shard_policy_test.cpp
          shard_known_test.cpp shard_simulation_test.cpp shard_test.cpp
  LIBRARIES cairn_ps nlohmann_json::nlohmann_json)
target_compile_definitions(shard_test PRIVATE CAIRN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
cairn_test(server_test
  SOURCES server_recovery_test.cpp server_salvage_test.cpp server_test.cpp ${CMAKE_SOURCE_DIR}/tests/tsan_suppressions.cpp
  LIBRARIES cairn_ps nlohmann_json::nlohmann_json)
