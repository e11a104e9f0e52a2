// One sample as it comes in: a typed cell per column. Between what is read (CSV, later Parquet,
// Kafka, an HTTP request) and the features there is only this, so serving cannot differ from
// training. worker/features/cell_values.h defines which cells have the same value.
//
// Cells are views: the producer owns the memory, which is valid until its next record. Nothing here
// allocates. Thread safety: plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/check.h"

namespace cairn::features {

enum class CellKind : uint8_t {
  kMissing,   // null; an empty text counts as missing too
  kText,      // string_view; numbers and ids may stand in it as decimal text
  kInteger,   // int64_t
  kUnsigned,  // uint64_t: ids may take all 64 bits
  kNumber,    // double
  kBytes,     // string_view of any bytes: an image, or an id that is no text
  // Lists, for multi-valued features. Elements are never missing.
  kTexts,      // span<const string_view>
  kIntegers,   // span<const int64_t>
  kUnsigneds,  // span<const uint64_t>
  kNumbers,    // span<const double>
};

// 16 bytes, passed by value. A list has fewer than 2^32 elements, a text fewer than 2^32 bytes.
// Reading a cell as another kind than its own is a bug.
class Cell {
 public:
  Cell() = default;  // missing

  static Cell text(std::string_view text) { return {CellKind::kText, text.data(), text.size()}; }
  static Cell bytes(std::string_view bytes) {
    return {CellKind::kBytes, bytes.data(), bytes.size()};
  }
  static Cell integer(int64_t value) {
    Cell cell(CellKind::kInteger, nullptr, 0);
    cell.integer_ = value;
    return cell;
  }
  static Cell id(uint64_t value) {
    Cell cell(CellKind::kUnsigned, nullptr, 0);
    cell.unsigned_ = value;
    return cell;
  }
  static Cell number(double value) {
    Cell cell(CellKind::kNumber, nullptr, 0);
    cell.number_ = value;
    return cell;
  }
  static Cell texts(std::span<const std::string_view> texts) {
    return {CellKind::kTexts, texts.data(), texts.size()};
  }
  static Cell integers(std::span<const int64_t> values) {
    return {CellKind::kIntegers, values.data(), values.size()};
  }
  static Cell ids(std::span<const uint64_t> values) {
    return {CellKind::kUnsigneds, values.data(), values.size()};
  }
  static Cell numbers(std::span<const double> values) {
    return {CellKind::kNumbers, values.data(), values.size()};
  }

  CellKind kind() const { return kind_; }
  bool is_list() const { return kind_ >= CellKind::kTexts; }

  // The characters of a text, or the bytes.
  std::string_view text() const {
    check(kind_ == CellKind::kText || kind_ == CellKind::kBytes, "a cell of text");
    return {static_cast<const char*>(data_), size_};
  }
  int64_t integer() const {
    check(kind_ == CellKind::kInteger, "a cell of an integer");
    return integer_;
  }
  uint64_t id() const {
    check(kind_ == CellKind::kUnsigned, "a cell of an unsigned integer");
    return unsigned_;
  }
  double number() const {
    check(kind_ == CellKind::kNumber, "a cell of a number");
    return number_;
  }

  // The elements of a list: how many, and each as a cell of its own.
  size_t size() const {
    check(is_list(), "a cell of a list");
    return size_;
  }
  Cell element(size_t i) const {
    check(i < size(), "an element of the list");
    switch (kind_) {
      case CellKind::kTexts:
        return text(static_cast<const std::string_view*>(data_)[i]);
      case CellKind::kIntegers:
        return integer(static_cast<const int64_t*>(data_)[i]);
      case CellKind::kUnsigneds:
        return id(static_cast<const uint64_t*>(data_)[i]);
      default:
        return number(static_cast<const double*>(data_)[i]);
    }
  }

 private:
  Cell(CellKind kind, const void* data, size_t size)
      : data_(data), size_(static_cast<uint32_t>(size)), kind_(kind) {}

  union {
    const void* data_ = nullptr;
    int64_t integer_;
    uint64_t unsigned_;
    double number_;
  };
  uint32_t size_ = 0;
  CellKind kind_ = CellKind::kMissing;
};
static_assert(sizeof(Cell) == 16, "a line's cells are written once per sample");

struct Record {
  std::span<const Cell> cells;       // as the producer has them, in any order
  std::span<const uint32_t> places;  // of each wanted column (Plan::columns): its cell
  uint64_t sample_id = 0;            // Batch::sample_ids; 0 for what has none, such as a request

  // `column`: place among the wanted columns.
  const Cell& operator[](uint32_t column) const { return cells[places[column]]; }
};

}  // namespace cairn::features
