cairn_test(launch_test
  SOURCES launch_endpoints_test.cpp launch_host_test.cpp launch_supervisor_test.cpp
          launch_mpirun_report_test.cpp
          launch_output_folder_test.cpp launch_placement_test.cpp
  LIBRARIES cairn_launcher)

# This one runs the program itself.
cairn_test(launch_command_line_test
  SOURCES launch_command_line_test.cpp launch_program.cpp
  LIBRARIES cairn_launcher)
target_compile_definitions(launch_command_line_test PRIVATE
  CAIRN_PROGRAM="$<TARGET_FILE:cairn>" CAIRN_MPIRUN="${MPIEXEC_EXECUTABLE}"
  CAIRN_README="${CMAKE_SOURCE_DIR}/README.md")
add_dependencies(launch_command_line_test cairn)
