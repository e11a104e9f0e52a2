cairn_test(worker_data_test
  SOURCES
    data/columns_test.cpp
    data/csv/fields_test.cpp
    data/dataset_test.cpp
    data/order_test.cpp
    data/prefetching_source_test.cpp
    data/real_data_test.cpp
    data/text/decoded_file_test.cpp
    features/dedup_test.cpp
    features/numbers_test.cpp
    features/sample_parser_test.cpp
    features/statistics_test.cpp
    synthetic/best_scores_test.cpp
    synthetic/generator_test.cpp
    synthetic/planted_model_test.cpp
    synthetic/zipf_test.cpp
  LIBRARIES cairn_data cairn_synthetic ZLIB::ZLIB PkgConfig::libzstd nlohmann_json::nlohmann_json)
