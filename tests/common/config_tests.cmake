cairn_test(config_test
  SOURCES
    config/job_file_test.cpp
  LIBRARIES cairn_common)
