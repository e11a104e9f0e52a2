cairn_test(memory_collective_test
  SOURCES collective/collective_contract.cpp collective/memory_collective_test.cpp
          collective/rank_order_test.cpp
  LIBRARIES cairn_collective)

# The same contract where numbers stand in a device's memory, which the host plays.
cairn_test(device_collective_test
  SOURCES collective/collective_contract.cpp collective/device_choice_test.cpp
          collective/fake_nccl.cpp collective/nccl_collective_test.cpp
          collective/staged_collective_test.cpp
  LIBRARIES cairn_collective cairn_kernels_on_host)

# The same contract on two processes that share a GPU, if there is one.
cairn_test(gpu_collective_test
  SOURCES collective/collective_contract.cpp collective/gpu_collective_test.cpp
  LIBRARIES cairn_collective)

# The same contract on four processes. Root may start mpirun only where told so.
add_executable(mpi_collective_test
  collective/collective_contract.cpp collective/mpi_collective_test.cpp)
target_link_libraries(mpi_collective_test PRIVATE cairn_test_main cairn_collective)
add_test(NAME mpi_collective_test
  COMMAND ${MPIEXEC_EXECUTABLE} -np 4 --oversubscribe --bind-to none -q
          $<TARGET_FILE:mpi_collective_test>)
set_tests_properties(mpi_collective_test PROPERTIES
  TIMEOUT 300
  # Open MPI keeps memory to its end.
  ENVIRONMENT "OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;ASAN_OPTIONS=detect_leaks=0")
