cairn_test(client_test
  SOURCES client/ps_client_test.cpp client/ps_pull_test.cpp client/shard_split_test.cpp
  LIBRARIES cairn_client)
cairn_test(trainer_test
  SOURCES training/decision_test.cpp training/dense_file_test.cpp evaluation/row_cache_test.cpp evaluation/row_directory_test.cpp
          training/lookahead_test.cpp training/schedule_test.cpp
          version/model_definition_test.cpp version/scoring_model_test.cpp
  LIBRARIES cairn_training cairn_kernels_on_host)
