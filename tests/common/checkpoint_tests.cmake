cairn_test(common_checkpoint_test
  SOURCES checkpoint/manifest_test.cpp stream_hash_test.cpp
  LIBRARIES cairn_checkpoint nlohmann_json::nlohmann_json)
