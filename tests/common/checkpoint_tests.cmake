cairn_test(common_checkpoint_test
  SOURCES checkpoint/manifest_test.cpp formats/safetensors_test.cpp stream_hash_test.cpp
  LIBRARIES cairn_checkpoint cairn_formats nlohmann_json::nlohmann_json)
