#include "worker/data/text/decoded_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "common/hash.h"

namespace cairn::data {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 20;

enum class Compression { kNone, kGzip, kZstd };

// Owns a file descriptor; closing it also gives up a lock on it.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

Error bad(const std::string& path, std::string_view why) {
  return {ErrorCode::kBadData, fmt::format("{}: {}", path, why)};
}

Error unavailable(const std::string& path, std::string_view what) {
  return {ErrorCode::kUnavailable, fmt::format("{}: {}: {}", path, what, std::strerror(errno))};
}

// Reads up to `size` bytes, fewer only at the end of the file; -1 on an error.
ssize_t read_full(int fd, void* to, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = ::read(fd, static_cast<char*>(to) + done, size - done);
    if (n == 0) break;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    done += static_cast<size_t>(n);
  }
  return static_cast<ssize_t>(done);
}

bool write_full(int fd, const void* from, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = ::write(fd, static_cast<const char*>(from) + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

int open_input(const std::string& path) {
  // Not to wait for the writer of a FIFO; nothing to a plain file.
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

// The state of the file that open_input has just opened, or failed to open.
Result<struct stat> input_state(const std::string& path, const File& from) {
  if (!from.ok() && errno == ENOENT)
    return Error{ErrorCode::kNotFound, fmt::format("{}: no such file", path)};
  if (!from.ok()) return bad(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  struct stat info {};
  if (::fstat(from.fd(), &info) != 0) return bad(path, std::strerror(errno));
  if (S_ISDIR(info.st_mode)) return bad(path, "is a directory, not a file");
  if (!S_ISREG(info.st_mode)) return bad(path, "is not a regular file");
  if (info.st_size == 0) return bad(path, "is empty");
  return info;
}

Result<Compression> compression_of(const std::string& path, int fd) {
  unsigned char magic[4] = {};
  const ssize_t n = ::pread(fd, magic, sizeof(magic), 0);
  if (n < 0) return bad(path, std::strerror(errno));
  if (n >= 2 && magic[0] == 0x1f && magic[1] == 0x8b) return Compression::kGzip;
  if (n == 4 && magic[0] == 0x28 && magic[1] == 0xb5 && magic[2] == 0x2f && magic[3] == 0xfd)
    return Compression::kZstd;
  if (path.ends_with(".gz")) return bad(path, "is not a gzip file, though its name ends in .gz");
  if (path.ends_with(".zst")) return bad(path, "is not a zstd file, though its name ends in .zst");
  return Compression::kNone;
}

// A gzip file may have several members after each other; zero padding after the last is allowed.
Status decode_gzip(const std::string& path, int from, const std::string& target, int to) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return bad(path, "zlib cannot start");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  std::vector<unsigned char> in(kChunkBytes), out(kChunkBytes);
  bool ended = false;
  for (;;) {
    const ssize_t n = read_full(from, in.data(), in.size());
    if (n < 0) return bad(path, std::strerror(errno));
    if (n == 0) break;
    stream.next_in = in.data();
    stream.avail_in = static_cast<uInt>(n);
    while (stream.avail_in > 0) {
      if (ended) {
        if (*stream.next_in == 0) {
          ++stream.next_in;
          --stream.avail_in;
          continue;
        }
        inflateReset(&stream);
        ended = false;
      }
      do {
        stream.next_out = out.data();
        stream.avail_out = static_cast<uInt>(out.size());
        const int rc = inflate(&stream, Z_NO_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
          return bad(path, fmt::format("damaged gzip data: {}", stream.msg ? stream.msg : "zlib"));
        if (!write_full(to, out.data(), out.size() - stream.avail_out))
          return unavailable(target, "cannot write");
        ended = rc == Z_STREAM_END;
      } while (!ended && stream.avail_out == 0);
    }
  }
  if (!ended) return bad(path, "truncated gzip file: it ends before its data does");
  return Ok{};
}

Status decode_zstd(const std::string& path, int from, const std::string& target, int to) {
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(),
                                                                   ZSTD_freeDCtx);
  if (!context) return bad(path, "zstd cannot start");
  std::vector<unsigned char> in(kChunkBytes), out(kChunkBytes);
  size_t expects = 1;  // 0 when a frame has ended
  for (;;) {
    const ssize_t n = read_full(from, in.data(), in.size());
    if (n < 0) return bad(path, std::strerror(errno));
    if (n == 0) break;
    ZSTD_inBuffer input{in.data(), static_cast<size_t>(n), 0};
    bool more = true;
    while (input.pos < input.size || more) {
      ZSTD_outBuffer output{out.data(), out.size(), 0};
      const size_t before = input.pos;
      const size_t rc = ZSTD_decompressStream(context.get(), &output, &input);
      if (ZSTD_isError(rc))
        return bad(path, fmt::format("damaged zstd data: {}", ZSTD_getErrorName(rc)));
      if (!write_full(to, output.dst, output.pos)) return unavailable(target, "cannot write");
      // A call that had nothing to do starts no new frame: its answer says nothing of the last one.
      if (input.pos > before || output.pos > 0) expects = rc;
      more = output.pos == output.size;
    }
  }
  if (expects != 0) return bad(path, "truncated zstd file: it ends before its data does");
  return Ok{};
}

Status decode(const std::string& path, int from, Compression compression,
              const std::string& target) {
  const std::string temporary = target + ".tmp";
  const File to(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!to.ok()) return unavailable(temporary, "cannot create");
  spdlog::info("decoding {} into {}", path, target);
  Status decoded = compression == Compression::kGzip ? decode_gzip(path, from, temporary, to.fd())
                                                     : decode_zstd(path, from, temporary, to.fd());
  if (decoded.ok() && ::fdatasync(to.fd()) != 0) decoded = unavailable(temporary, "cannot sync");
  if (decoded.ok() && ::rename(temporary.c_str(), target.c_str()) != 0)
    decoded = unavailable(target, "cannot rename into place");
  if (!decoded.ok()) ::unlink(temporary.c_str());
  return decoded;
}

}  // namespace

Result<bool> is_compressed(const std::string& path) {
  const File from(open_input(path));
  const Result<struct stat> info = input_state(path, from);
  if (!info.ok()) return info.error();
  const Result<Compression> compression = compression_of(path, from.fd());
  if (!compression.ok()) return compression.error();
  return compression.value() != Compression::kNone;
}

Result<std::string> decoded_path(const std::string& path, const std::string& cache) {
  const File from(open_input(path));
  const Result<struct stat> state = input_state(path, from);
  if (!state.ok()) return state.error();
  const struct stat& info = state.value();
  const Result<Compression> compression = compression_of(path, from.fd());
  if (!compression.ok()) return compression.error();
  if (compression.value() == Compression::kNone) return path;

  std::error_code failed;
  const std::filesystem::path absolute = std::filesystem::weakly_canonical(path, failed);
  if (failed) return bad(path, failed.message());
  std::filesystem::create_directories(cache, failed);
  if (failed)
    return Error{ErrorCode::kUnavailable,
                 fmt::format("{}: cannot create the cache folder: {}", cache, failed.message())};
  const std::string identity = fmt::format("{}|{}|{}.{:09}", absolute.string(), info.st_size,
                                           info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
  const Hash128 id = hash_bytes(identity.data(), identity.size(), 0);
  const std::string target =
      (std::filesystem::path(cache) /
       fmt::format("{}.{:016x}{:016x}", absolute.stem().string(), id.high, id.low))
          .string();
  if (::access(target.c_str(), F_OK) == 0) return target;

  const std::string lock_path = target + ".lock";
  const File lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock.ok()) return unavailable(lock_path, "cannot create");
  while (::flock(lock.fd(), LOCK_EX) != 0)
    if (errno != EINTR) return unavailable(lock_path, "cannot lock");
  if (::access(target.c_str(), F_OK) == 0) return target;  // another process was first
  const Status decoded = decode(path, from.fd(), compression.value(), target);
  if (!decoded.ok()) return decoded.error();
  return target;
}

}  // namespace cairn::data
