cairn_test(ps_storage_test
  SOURCES
    checkpoint_store_test.cpp
    cold_store_contract_test.cpp
    faulty_files.cpp
    file_push_log_test.cpp
    log_reader_test.cpp
    optimizers/row_optimizers_test.cpp
    push_log_contract_test.cpp
    push_log_crash_test.cpp
    pushes.cpp
    rocks_store_test.cpp
    row_codec_test.cpp
    row_digest_test.cpp
    rows.cpp
    tsan_suppressions.cpp
  LIBRARIES cairn_ps)
