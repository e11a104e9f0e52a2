// RocksDB's library is not instrumented, so ThreadSanitizer sees the memory that it reads and frees but
// none of the atomics that order them. Reports with a frame inside it say nothing about our code.
#if defined(__SANITIZE_THREAD__)
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race:librocksdb.so\n"; }
#endif
