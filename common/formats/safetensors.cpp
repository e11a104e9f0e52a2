#include "common/formats/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

namespace cairn {
namespace {

constexpr uint64_t kHeaderBytesMax = 100'000'000;  // as the reference implementation has it

constexpr std::pair<std::string_view, uint64_t> kBytesOfDtype[] = {
    {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
    {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
    {"U32", 4},  {"F32", 4}, {"I64", 8}, {"U64", 8},     {"F64", 8},
};

struct Entry {
  std::string name, dtype;
  std::vector<uint64_t> shape, offsets;
  bool has_shape = false, has_offsets = false;
};

// Takes the header apart while it is parsed, so that nothing the format does not have is ever kept:
// an object of tensors, of which each is {"dtype", "shape", "data_offsets"}, and "__metadata__", an
// object of texts.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<Entry>& entries() { return entries_; }
  const std::string& wrong() const { return wrong_; }

  bool start_object(size_t) override {
    if (list_ || depth_ == 2 || (depth_ == 1 && !is_named_)) return unexpected("an object");
    ++depth_;
    is_named_ = false;
    return true;
  }
  bool end_object() override {
    if (depth_ == 2 && !is_metadata_) {
      const Entry& entry = entries_.back();
      if (entry.dtype.empty() || !entry.has_shape || !entry.has_offsets)
        return refuse(fmt::format("tensor '{}' lacks its dtype, shape or data_offsets",
                                  shortened(entry.name)));
    }
    is_metadata_ = is_metadata_ && depth_ != 2;
    --depth_;
    return true;
  }
  bool key(string_t& name) override {
    if (depth_ == 1) {
      if (!names_.insert(name).second)
        return refuse(fmt::format("'{}' comes twice", shortened(name)));
      is_metadata_ = name == "__metadata__";
      if (!is_metadata_) entries_.emplace_back().name = name;
    }
    key_ = name;
    is_named_ = true;
    return true;
  }
  bool string(string_t& text) override {
    if (depth_ == 2 && is_metadata_) return true;
    if (depth_ != 2 || list_ || key_ != "dtype" || !entries_.back().dtype.empty())
      return unexpected("a text");
    entries_.back().dtype = text;
    return true;
  }
  bool start_array(size_t) override {
    if (depth_ != 2 || is_metadata_ || list_) return unexpected("a list");
    Entry& entry = entries_.back();
    const bool is_shape = key_ == "shape";
    bool& is_there = is_shape ? entry.has_shape : entry.has_offsets;
    if ((!is_shape && key_ != "data_offsets") || is_there) return unexpected("a list");
    is_there = true;
    list_ = is_shape ? &entry.shape : &entry.offsets;
    return true;
  }
  bool end_array() override {
    list_ = nullptr;
    return true;
  }
  bool number_unsigned(number_unsigned_t number) override {
    if (!list_) return unexpected("a number");
    list_->push_back(number);
    return true;
  }
  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a truth value"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return unexpected("a fraction"); }
  bool binary(binary_t&) override { return unexpected("bytes"); }
  bool parse_error(size_t at, const std::string&, const nlohmann::detail::exception&) override {
    return refuse(fmt::format("its header is not JSON at byte {}", at));
  }

 private:
  static std::string shortened(std::string_view name) { return std::string(name.substr(0, 100)); }
  bool refuse(std::string what) {
    wrong_ = std::move(what);
    return false;
  }
  bool unexpected(const char* what) {
    return refuse(
        fmt::format("its header has {} at '{}', where the format has none", what, shortened(key_)));
  }

  std::vector<Entry> entries_;
  std::set<std::string> names_;
  std::string wrong_, key_;
  int depth_ = 0;
  bool is_named_ = false, is_metadata_ = false;
  std::vector<uint64_t>* list_ = nullptr;  // that numbers go to
};

Error corrupt(std::string what) { return {ErrorCode::kCorrupt, std::move(what)}; }

// Nothing where the dtype is unknown or the product does not fit.
std::optional<uint64_t> bytes_of(const Entry& entry) {
  const auto* const dtype =
      std::find_if(std::begin(kBytesOfDtype), std::end(kBytesOfDtype),
                   [&](const auto& known) { return known.first == entry.dtype; });
  if (dtype == std::end(kBytesOfDtype)) return std::nullopt;
  uint64_t bytes = dtype->second;
  for (const uint64_t size : entry.shape)
    if (__builtin_mul_overflow(bytes, size, &bytes)) return std::nullopt;
  return bytes;
}

}  // namespace

Result<Safetensors> Safetensors::parse(std::string_view file) {
  uint64_t length = 0;
  if (file.size() < sizeof length) return corrupt("it is shorter than 8 bytes");
  std::memcpy(&length, file.data(), sizeof length);
  file.remove_prefix(sizeof length);
  if (length > kHeaderBytesMax || length > file.size())
    return corrupt(fmt::format("a header of {} bytes is impossible", length));
  const std::string_view text = file.substr(0, length), data = file.substr(length);
  if (!text.starts_with('{')) return corrupt("its header is not an object");
  HeaderReader header;
  if (!nlohmann::json::sax_parse(text, &header)) return corrupt(header.wrong());

  std::vector<Entry>& entries = header.entries();
  for (const Entry& entry : entries)
    if (entry.offsets.size() != 2)
      return corrupt(
          fmt::format("tensor '{}' has {} data_offsets, want 2", entry.name, entry.offsets.size()));
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.offsets < b.offsets; });
  Safetensors parsed;
  parsed.data_.assign(data.begin(), data.end());
  uint64_t at = 0;
  for (Entry& entry : entries) {
    const uint64_t begin = entry.offsets[0], end = entry.offsets[1];
    const std::optional<uint64_t> bytes = bytes_of(entry);
    if (!bytes)
      return corrupt(fmt::format("tensor '{}' has dtype '{}' and a shape of an unknown size",
                                 entry.name, entry.dtype));
    if (begin != at || end < begin || end > data.size() || end - begin != *bytes)
      return corrupt(fmt::format("tensor '{}' stands at [{}, {}), want {} bytes from {} on, of {}",
                                 entry.name, begin, end, *bytes, at, data.size()));
    at = end;
    parsed.tensors_.push_back({.name = std::move(entry.name),
                               .dtype = std::move(entry.dtype),
                               .shape = std::move(entry.shape),
                               .bytes = {parsed.data_.data() + begin, *bytes}});
  }
  if (at != data.size())
    return corrupt(fmt::format("{} bytes behind the last tensor", data.size() - at));
  return parsed;
}

const SafetensorsTensor* Safetensors::find(std::string_view name) const {
  for (const SafetensorsTensor& tensor : tensors_)
    if (tensor.name == name) return &tensor;
  return nullptr;
}

std::string write_safetensors(std::span<const TensorShape> tensors,
                              const std::function<void(size_t i, std::span<char> bytes)>& fill) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  std::vector<uint64_t> ends;
  uint64_t offset = 0;
  for (const TensorShape& tensor : tensors) {
    uint64_t bytes = sizeof(float);
    for (const uint32_t size : tensor.shape) bytes *= size;
    header[tensor.name] = {
        {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + bytes}}};
    ends.push_back(offset += bytes);
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the values are aligned
  const uint64_t length = text.size();
  std::string file(reinterpret_cast<const char*>(&length), sizeof length);
  file += text;
  const size_t begin = file.size();
  file.resize(begin + offset);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const uint64_t from = i == 0 ? 0 : ends[i - 1];
    fill(i, {file.data() + begin + from, ends[i] - from});
  }
  return file;
}

}  // namespace cairn
