// The libraries of RocksDB and ZeroMQ are not instrumented, so ThreadSanitizer sees the memory that
// they read, write and free but none of the atomics that order them. Reports with a frame inside
// them say nothing about our code.
#if defined(__SANITIZE_THREAD__)
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:librocksdb.so\nrace:libzmq.so\n";
}
#endif
