cairn_test(config_test
  SOURCES
    config/configs_test.cpp
    config/estimate_test.cpp
    config/job_file_mutation_test.cpp
    config/job_file_test.cpp
    config/overrides_test.cpp
    config/reference_test.cpp
    config/renamed_keys_test.cpp
    config/resolved_test.cpp
    config/scalars_test.cpp
    config/yaml_tree_test.cpp
    net/address_test.cpp
  LIBRARIES cairn_config)
target_compile_definitions(config_test PRIVATE CAIRN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
