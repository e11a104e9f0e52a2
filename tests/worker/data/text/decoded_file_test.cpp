#include "worker/data/text/decoded_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <thread>
#include <vector>

#include "tests/worker/data/data_folder.h"

namespace cairn::data {
namespace {

using testing::HasSubstr;

std::string gzip(std::string_view text) {
  std::string out(compressBound(text.size()) + 64, '\0');
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// Larger than the chunks it is decoded in.
std::string long_text() {
  std::string text;
  for (int i = 0; i < 500'000; ++i) text += std::to_string(i * 2654435761u) + "\n";
  return text;
}

std::string refusal(const std::string& path, const std::string& cache) {
  const Result<std::string> decoded = decoded_path(path, cache);
  return decoded.ok() ? "none" : decoded.error().message;
}

TEST(DecodedFile, PlainFilesAreReadWhereTheyAre) {
  const DataFolder folder;
  const std::string path = folder.write("a.csv", "x\n1\n");
  EXPECT_EQ(decoded_path(path, folder / "cache").value(), path);
  EXPECT_FALSE(std::filesystem::exists(folder / "cache"));
}

TEST(DecodedFile, GzipAndZstdAreDecodedOnceMembersAfterEachOtherToo) {
  const DataFolder folder;
  const std::string text = long_text();
  const std::pair<std::string, std::string> files[] = {{"a.gz", gzip(text) + gzip("tail\n")},
                                                       {"a.zst", zstd(text) + zstd("tail\n")}};
  for (const auto& [name, content] : files) {
    const std::string path = folder.write(name, content);
    const Result<std::string> first = decoded_path(path, folder / "cache");
    ASSERT_TRUE(first.ok()) << first.error().message;
    EXPECT_TRUE(read_text(first.value()) == text + "tail\n") << name;
    struct stat before {
    }, after{};
    ASSERT_EQ(::stat(first.value().c_str(), &before), 0);
    EXPECT_EQ(decoded_path(path, folder / "cache").value(), first.value());
    ASSERT_EQ(::stat(first.value().c_str(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino) << "decoded again";
  }
}

TEST(DecodedFile, AChangedFileIsDecodedAgain) {
  const DataFolder folder;
  const std::string path = folder.write("a.gz", gzip("old\n"));
  EXPECT_EQ(read_text(decoded_path(path, folder / "cache").value()), "old\n");
  folder.write("a.gz", gzip("new and longer\n"));
  EXPECT_EQ(read_text(decoded_path(path, folder / "cache").value()), "new and longer\n");
}

TEST(DecodedFile, ManyAtOnceGetTheSameWholeFile) {
  const DataFolder folder;
  const std::string text = long_text();
  const std::string path = folder.write("a.gz", gzip(text));
  std::vector<std::string> decoded(4);
  {
    std::vector<std::jthread> threads;
    for (std::string& result : decoded)
      threads.emplace_back(
          [&] { result = read_text(decoded_path(path, folder / "cache").value()); });
  }
  for (const std::string& result : decoded) EXPECT_TRUE(result == text);
}

TEST(DecodedFile, EachTruncationIsRefused) {
  const DataFolder folder;
  const std::string packed_gzip = gzip("some text that is long enough\n");
  const std::string packed_zstd = zstd("some text that is long enough\n");
  for (size_t size = 4; size < packed_gzip.size(); ++size)
    EXPECT_THAT(refusal(folder.write("a.gz", packed_gzip.substr(0, size)), folder / "cache"),
                HasSubstr("a.gz: truncated gzip"));
  for (size_t size = 4; size < packed_zstd.size(); ++size)
    EXPECT_THAT(refusal(folder.write("a.zst", packed_zstd.substr(0, size)), folder / "cache"),
                HasSubstr("a.zst: truncated zstd"));
}

TEST(DecodedFile, WhatCannotBeReadIsNamed) {
  const DataFolder folder;
  const std::string cache = folder / "cache";
  const Result<std::string> absent = decoded_path(folder / "absent.csv", cache);
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(absent.error().message, HasSubstr("absent.csv: no such file"));
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal(folder / "pipe", cache), HasSubstr("/pipe: is not a regular file"));
  std::filesystem::create_directory(folder / "d");
  EXPECT_THAT(refusal(folder / "d", cache), HasSubstr("/d: is a directory"));
  EXPECT_THAT(refusal(folder.write("empty.csv", ""), cache), HasSubstr("empty.csv: is empty"));
  EXPECT_THAT(refusal(folder.write("text.gz", "text"), cache), HasSubstr("is not a gzip file"));
  EXPECT_THAT(refusal(folder.write("text.zst", "text"), cache), HasSubstr("is not a zstd file"));
  EXPECT_THAT(refusal(folder.write("bad.gz", gzip("text") + "rubbish"), cache),
              HasSubstr("bad.gz: damaged gzip"));
  std::string damaged = gzip(long_text());
  damaged[damaged.size() / 2] ^= 1;
  EXPECT_THAT(refusal(folder.write("hit.gz", damaged), cache), HasSubstr("hit.gz: "));
  if (::geteuid() != 0) {  // root may read everything
    const std::string path = folder.write("locked.csv", "x\n");
    ::chmod(path.c_str(), 0);
    EXPECT_THAT(refusal(path, cache), HasSubstr("locked.csv: cannot be read"));
  }
}

TEST(DecodedFile, AnUnusableCacheIsUnavailable) {
  const DataFolder folder;
  const std::string path = folder.write("a.gz", gzip("text\n"));
  const Result<std::string> decoded = decoded_path(path, folder.write("file", "x") + "/cache");
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace cairn::data
