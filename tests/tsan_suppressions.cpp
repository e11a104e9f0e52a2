// The libraries of RocksDB and ZeroMQ are not instrumented, so ThreadSanitizer sees the memory that
// they read, write and free but none of the atomics that order them. Reports with a frame inside
// them say nothing about our code; nor do those of a message's bytes as they were when it was made,
// which it hands from thread to thread.
#if defined(__SANITIZE_THREAD__)
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:librocksdb.so\nrace:libzmq.so\nrace:zmq::message_t::message_t\n";
}
#endif
