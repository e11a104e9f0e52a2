cairn_test(worker_data_test
  SOURCES
    data/best_scores_test.cpp
    data/columns_test.cpp
    data/dataset_test.cpp
    data/decoded_file_test.cpp
    data/dedup_test.cpp
    data/fields_test.cpp
    data/generator_test.cpp
    data/numbers_test.cpp
    data/order_test.cpp
    data/planted_model_test.cpp
    data/prefetching_source_test.cpp
    data/real_data_test.cpp
    data/row_parser_test.cpp
    data/statistics_test.cpp
    data/zipf_test.cpp
  LIBRARIES cairn_worker ZLIB::ZLIB PkgConfig::libzstd nlohmann_json::nlohmann_json)
