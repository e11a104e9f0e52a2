cairn_test(evaluation_test
  SOURCES evaluation/evaluation_pairs_test.cpp evaluation/metrics_test.cpp report/metrics_log_test.cpp
          report/progress_test.cpp report/run_result_test.cpp report/text_test.cpp
  LIBRARIES cairn_worker nlohmann_json::nlohmann_json)
