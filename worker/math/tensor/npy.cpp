#include "worker/math/tensor/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

#include "common/formats/zip.h"
#include "worker/math/tensor/tensor_ops.h"

namespace cairn::math {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kHeaderMax = 65'536, kAlignment = 64;
constexpr std::string_view kTypes[] = {"<f4", "<f8", "", "<i8"};  // in the order of DType

Error corrupt(std::string what) { return {ErrorCode::kCorrupt, std::move(what)}; }

Error named(const std::filesystem::path& file, Error error) {
  error.message = fmt::format("{}: {}", file.string(), error.message);
  return error;
}

// The text behind `key` in a header, which is a Python dictionary that NumPy writes in one form.
std::optional<std::string_view> value_of(std::string_view header, std::string_view key) {
  const size_t at = header.find(fmt::format("'{}'", key));
  if (at == std::string_view::npos) return std::nullopt;
  const size_t colon = header.find(':', at);
  if (colon == std::string_view::npos) return std::nullopt;
  const size_t begin = header.find_first_not_of(' ', colon + 1);
  if (begin == std::string_view::npos) return std::nullopt;
  return header.substr(begin);
}

// "(3, 4)", "(3,)" or "()".
std::optional<Shape> parse_shape(std::string_view text) {
  const size_t end = text.find(')');
  if (text.empty() || text[0] != '(' || end == std::string_view::npos) return std::nullopt;
  Shape shape;
  uint64_t product = 1;
  const char* at = text.data() + 1;
  const char* const last = text.data() + end;
  while (true) {
    while (at < last && (*at == ' ' || *at == ',')) ++at;
    if (at == last) return shape;
    uint64_t size = 0;
    const auto [next, error] = std::from_chars(at, last, size);
    if (error != std::errc{} || shape.rank() == kRankMax ||
        __builtin_mul_overflow(product, std::max<uint64_t>(size, 1), &product))
      return std::nullopt;
    shape.append(size);
    at = next;
  }
}

struct Parsed {
  DType dtype = DType::kF32;
  bool fortran = false;
  Shape shape;
  size_t begin = 0;  // where the numbers begin
};

Result<Parsed> parse_header(std::string_view bytes) {
  if (bytes.size() < 10 || bytes.substr(0, kMagic.size()) != kMagic)
    return corrupt("is no .npy file");
  const int version = bytes[6];
  if (version < 1 || version > 3) return corrupt(fmt::format("has version {}", version));
  const size_t prefix = version == 1 ? 10 : 12;
  if (bytes.size() < prefix) return corrupt("is cut short");
  uint32_t length = 0;
  std::memcpy(&length, bytes.data() + 8, version == 1 ? 2 : 4);
  if (length > kHeaderMax || length > bytes.size() - prefix)
    return corrupt(fmt::format("its header of {} bytes is too long", length));
  const std::string_view header = bytes.substr(prefix, length);
  const auto type = value_of(header, "descr"), order = value_of(header, "fortran_order");
  const auto shape_text = value_of(header, "shape");
  if (!type || !order || !shape_text) return corrupt("its header lacks a key");

  Parsed parsed;
  parsed.begin = prefix + length;
  const size_t close = type->find('\'', 1);
  const std::string_view name =
      (*type)[0] == '\'' && close != std::string_view::npos ? type->substr(1, close - 1) : *type;
  const auto known = std::find(std::begin(kTypes), std::end(kTypes), name);
  if (known == std::end(kTypes) || known->empty())
    return corrupt(fmt::format("has type {}, want <f4, <f8 or <i8", name.substr(0, 20)));
  parsed.dtype = static_cast<DType>(known - std::begin(kTypes));
  parsed.fortran = order->starts_with("True");
  if (!parsed.fortran && !order->starts_with("False")) return corrupt("has no order");
  const std::optional<Shape> shape = parse_shape(*shape_text);
  if (!shape) return corrupt(fmt::format("its shape is none of up to {} axes", kRankMax));
  parsed.shape = *shape;
  return parsed;
}

Result<Tensor> parse(std::string_view bytes, Arena& arena) {
  const Result<Parsed> header = parse_header(bytes);
  if (!header.ok()) return header.error();
  const Parsed& parsed = header.value();
  const size_t have = bytes.size() - parsed.begin;
  size_t want = 0;
  if (__builtin_mul_overflow(parsed.shape.size(), size_of(parsed.dtype), &want) || want != have)
    return corrupt(fmt::format("has {} bytes of numbers for shape {}", have, parsed.shape.text()));
  // Column-major is row-major of the axes in reverse.
  Shape stored;
  std::array<size_t, kRankMax> reversed = {};
  const size_t rank = parsed.shape.rank();
  for (size_t i = 0; i < rank; ++i) {
    reversed[i] = rank - 1 - i;
    stored.append(parsed.shape[parsed.fortran ? reversed[i] : i]);
  }
  const Tensor tensor = make_tensor(arena, stored, parsed.dtype);
  if (want > 0) std::memcpy(tensor.data, bytes.data() + parsed.begin, want);
  return parsed.fortran ? tensor.transpose(std::span(reversed).first(rank)) : tensor;
}

Result<std::string> print(const Tensor& tensor) {
  const std::string_view type = kTypes[static_cast<size_t>(tensor.dtype)];
  if (type.empty())
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("NumPy has no {}; cast to f32", name_of(tensor.dtype))};
  const Shape& sizes = tensor.shape;
  std::string shape = fmt::format("{}", fmt::join(sizes.begin(), sizes.end(), ", "));
  if (sizes.rank() == 1) shape += ",";  // without it Python reads a number
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, shape);
  header.append(kAlignment - (10 + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  std::string out(kMagic);
  out.append("\x01\x00", 2);
  const auto length = static_cast<uint16_t>(header.size());
  out.append(reinterpret_cast<const char*>(&length), sizeof length);
  out += header;
  Arena arena;
  const Tensor whole = copy_of(arena, tensor);
  out.append(static_cast<const char*>(whole.data), whole.size() * size_of(whole.dtype));
  return out;
}

Result<std::string> read_all(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    return Error{ErrorCode::kNotFound, file.string() + ": there is no such file"};
  // A folder opens, but its bytes are an exception.
  std::ifstream stream;
  if (std::filesystem::is_regular_file(file, error)) stream.open(file, std::ios::binary);
  std::ostringstream bytes;
  if (stream.is_open() && stream.peek() != std::ifstream::traits_type::eof())
    bytes << stream.rdbuf();
  if (!stream.is_open() || stream.bad() || bytes.bad())
    return Error{ErrorCode::kUnavailable, file.string() + ": cannot be read"};
  return std::move(bytes).str();
}

Status write_all(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream stream(file, std::ios::binary | std::ios::trunc);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (!stream) return Error{ErrorCode::kUnavailable, file.string() + ": cannot be written"};
  return Ok{};
}

}  // namespace

Result<Tensor> read_npy(const std::filesystem::path& file, Arena& arena) {
  const Result<std::string> bytes = read_all(file);
  if (!bytes.ok()) return bytes.error();
  Result<Tensor> tensor = parse(bytes.value(), arena);
  return tensor.ok() ? tensor : named(file, tensor.error());
}

Result<std::map<std::string, Tensor>> read_npz(const std::filesystem::path& file, Arena& arena) {
  const Result<std::string> bytes = read_all(file);
  if (!bytes.ok()) return bytes.error();
  const auto entries = unzip(bytes.value());
  if (!entries.ok()) return named(file, entries.error());
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, content] : entries.value()) {
    const Result<Tensor> tensor = parse(content, arena);
    if (!tensor.ok()) return named(fmt::format("{}: {}", file.string(), name), tensor.error());
    constexpr std::string_view kEnding = ".npy";
    const size_t stem = name.ends_with(kEnding) ? name.size() - kEnding.size() : name.size();
    if (!tensors.emplace(name.substr(0, stem), tensor.value()).second)
      return named(file, corrupt(fmt::format("has two arrays '{}'", name.substr(0, stem))));
  }
  return tensors;
}

Status write_npy(const std::filesystem::path& file, const Tensor& tensor) {
  const Result<std::string> bytes = print(tensor);
  if (!bytes.ok()) return named(file, bytes.error());
  return write_all(file, bytes.value());
}

Status write_npz(const std::filesystem::path& file, const std::map<std::string, Tensor>& tensors) {
  std::map<std::string, std::string> entries;
  for (const auto& [name, tensor] : tensors) {
    Result<std::string> bytes = print(tensor);
    if (!bytes.ok()) return named(fmt::format("{}: {}", file.string(), name), bytes.error());
    entries.emplace(name + ".npy", std::move(bytes).value());
  }
  const Result<std::string> archive = zip(entries);
  if (!archive.ok()) return named(file, archive.error());
  return write_all(file, archive.value());
}

}  // namespace cairn::math
