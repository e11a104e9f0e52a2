# Whole jobs, by the program itself. Several of them at once would starve each other of cores.
add_library(cairn_job_tools STATIC http_get.cpp launch_program.cpp process_tree.cpp small_job.cpp)
target_link_libraries(cairn_job_tools PUBLIC cairn_config cairn_http)
target_compile_definitions(cairn_job_tools PRIVATE CAIRN_PROGRAM="$<TARGET_FILE:cairn>")
foreach(name same_bits bad_input processes real_data outcomes)
  cairn_test(${name}_test SOURCES ${name}_test.cpp TIMEOUT 900
    LIBRARIES cairn_job_tools nlohmann_json::nlohmann_json)
  set_tests_properties(${name}_test PROPERTIES RUN_SERIAL ON)
  add_dependencies(${name}_test cairn)
endforeach()
target_compile_definitions(real_data_test PRIVATE CAIRN_SOURCE="${CMAKE_SOURCE_DIR}")
