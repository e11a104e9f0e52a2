cairn_test(evaluation_test
  SOURCES evaluation/evaluation_pairs_test.cpp evaluation/quality_test.cpp training/training_log_test.cpp
          training/progress_test.cpp training/run_result_test.cpp training/text_test.cpp
  LIBRARIES cairn_training nlohmann_json::nlohmann_json)
