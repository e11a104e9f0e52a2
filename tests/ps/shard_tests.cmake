cairn_test(shard_test
  SOURCES
    hot/hot_table_test.cpp
    hot/hot_tier_test.cpp
    log/memory_push_log.cpp
    policy/admission_test.cpp
    policy/key_filter_test.cpp
    policy/removal_test.cpp
    row/initializer_test.cpp
    shard/change_feed_test.cpp
    shard/checkpoint_test.cpp
    shard/cold_reads_test.cpp
    shard/cold_shard_test.cpp
    shard/consistency_test.cpp
    shard/flush_test.cpp
    shard/pulls_test.cpp
    shard/row_removal_test.cpp
    shard/shard_known_test.cpp
    shard/shard_policy_test.cpp
    shard/shard_simulation_test.cpp
    shard/shard_test.cpp
    shard/steps_test.cpp
    step/gradient_merge_test.cpp
  LIBRARIES cairn_ps nlohmann_json::nlohmann_json)
target_compile_definitions(shard_test PRIVATE CAIRN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
cairn_test(server_test
  SOURCES
    server/server_recovery_test.cpp
    server/server_salvage_test.cpp
    server/server_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/tsan_suppressions.cpp
  LIBRARIES cairn_ps nlohmann_json::nlohmann_json)
