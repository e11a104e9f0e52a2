cairn_test(metrics_test
  SOURCES atomic_file_test.cpp log_test.cpp metrics/file_sd_test.cpp http/http_server_test.cpp
          metrics/metrics_test.cpp
  LIBRARIES cairn_http cairn_metrics nlohmann_json::nlohmann_json)
target_compile_definitions(metrics_test PRIVATE CAIRN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
