cairn_test(client_test
  SOURCES client/ps_client_test.cpp client/ps_pull_test.cpp client/shard_split_test.cpp
  LIBRARIES cairn_worker)
cairn_test(trainer_test
  SOURCES trainer/dense_file_test.cpp trainer/row_cache_test.cpp trainer/row_directory_test.cpp
  LIBRARIES cairn_worker cairn_kernels_on_host)
