#include "worker/collective/mpi_collective.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

#include "worker/collective/backoff.h"
#include "worker/collective/rank_order.h"

namespace cairn::collective {

namespace {

// Messages between two ranks keep their order within a tag, so calls that follow one another do not
// mix.
enum Tag : int { kControlTag = 1, kPartTag, kSumTag, kLengthTag, kTextTag };

constexpr size_t kMessageBytesMax = size_t{1} << 30;  // MPI counts are ints

Error to_error(int code) {
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  return Error{ErrorCode::kUnavailable, "MPI: " + std::string(text, static_cast<size_t>(length))};
}

class MpiCollective : public Collective {
 public:
  MpiCollective(MPI_Comm communicator, std::function<void()> while_waiting)
      : communicator_(communicator), while_waiting_(std::move(while_waiting)) {
    MPI_Comm_set_errhandler(communicator_, MPI_ERRORS_RETURN);
    int rank = 0, ranks = 0;
    MPI_Comm_rank(communicator_, &rank);
    MPI_Comm_size(communicator_, &ranks);
    rank_ = static_cast<uint32_t>(rank);
    ranks_ = static_cast<uint32_t>(ranks);
  }
  ~MpiCollective() override { MPI_Comm_free(&communicator_); }

  uint32_t rank() const override { return rank_; }
  uint32_t size() const override { return ranks_; }

  Result<std::vector<Control>> all_reduce(std::span<float> values, const Control& mine) override {
    std::vector<Control> controls(ranks_);
    controls[rank_] = mine;
    const Piece owned = piece_of(values.size(), rank_, ranks_);
    received_.resize(owned.count * (ranks_ - 1));

    for_others([&](uint32_t other, size_t place) {
      receive(&controls[other], sizeof(Control), other, kControlTag);
      receive(received_.data() + place * owned.count, owned.count * sizeof(float), other, kPartTag);
    });
    for_others([&](uint32_t other, size_t) {
      const Piece piece = piece_of(values.size(), other, ranks_);
      send(&mine, sizeof(Control), other, kControlTag);
      send(values.data() + piece.first, piece.count * sizeof(float), other, kPartTag);
    });
    if (const Status status = finish(); !status.ok()) return status.error();

    sum_owned(values.subspan(owned.first, owned.count));
    for_others([&](uint32_t other, size_t) {
      const Piece piece = piece_of(values.size(), other, ranks_);
      receive(values.data() + piece.first, piece.count * sizeof(float), other, kSumTag);
    });
    for_others([&](uint32_t other, size_t) {
      send(values.data() + owned.first, owned.count * sizeof(float), other, kSumTag);
    });
    if (const Status status = finish(); !status.ok()) return status.error();
    return controls;
  }

  bool lost() const override { return failure_ != MPI_SUCCESS; }

  Result<std::vector<std::string>> gather_to_first(std::string mine) override {
    std::vector<std::string> all(rank_ == 0 ? ranks_ : 0);
    std::vector<uint64_t> lengths(all.size());
    const uint64_t length = mine.size();
    if (rank_ != 0) {
      send(&length, sizeof length, 0, kLengthTag);
      send(mine.data(), mine.size(), 0, kTextTag);
    }
    for (uint32_t other = 1; other < all.size(); ++other)
      receive(&lengths[other], sizeof(uint64_t), other, kLengthTag);
    if (const Status status = finish(); !status.ok()) return status.error();
    for (uint32_t other = 1; other < all.size(); ++other) {
      all[other].resize(lengths[other]);
      receive(all[other].data(), all[other].size(), other, kTextTag);
    }
    if (const Status status = finish(); !status.ok()) return status.error();
    if (rank_ == 0) all[0] = std::move(mine);
    return all;
  }

  Result<std::vector<std::string>> all_gather(std::string mine) override {
    std::vector<uint64_t> lengths(ranks_);
    lengths[rank_] = mine.size();
    for_others([&](uint32_t other, size_t) {
      receive(&lengths[other], sizeof(uint64_t), other, kLengthTag);
      send(&lengths[rank_], sizeof(uint64_t), other, kLengthTag);
    });
    if (const Status status = finish(); !status.ok()) return status.error();

    std::vector<std::string> all(ranks_);
    for_others([&](uint32_t other, size_t) {
      all[other].resize(lengths[other]);
      receive(all[other].data(), all[other].size(), other, kTextTag);
      send(mine.data(), mine.size(), other, kTextTag);
    });
    if (const Status status = finish(); !status.ok()) return status.error();
    all[rank_] = std::move(mine);
    return all;
  }

 private:
  // visit(rank, its place among the others), beginning behind this rank, so that not all begin with
  // rank 0.
  template <typename Visit>
  void for_others(Visit visit) {
    for (uint32_t step = 1; step < ranks_; ++step) {
      const uint32_t other = (rank_ + step) % ranks_;
      visit(other, other < rank_ ? other : other - 1);
    }
  }

  // Both sides know the length, so nothing is sent for an empty piece.
  void receive(void* bytes, size_t count, uint32_t from, Tag tag) {
    in_messages(count, [&](size_t first, int length) {
      note(MPI_Irecv(static_cast<char*>(bytes) + first, length, MPI_BYTE, static_cast<int>(from),
                     tag, communicator_, &requests_.emplace_back(MPI_REQUEST_NULL)));
    });
  }
  void send(const void* bytes, size_t count, uint32_t to, Tag tag) {
    in_messages(count, [&](size_t first, int length) {
      note(MPI_Isend(static_cast<const char*>(bytes) + first, length, MPI_BYTE,
                     static_cast<int>(to), tag, communicator_,
                     &requests_.emplace_back(MPI_REQUEST_NULL)));
    });
  }
  template <typename Message>
  static void in_messages(size_t count, Message message) {
    for (size_t first = 0; first < count; first += kMessageBytesMax)
      message(first, static_cast<int>(std::min(kMessageBytesMax, count - first)));
  }
  void note(int code) {
    if (failure_ == MPI_SUCCESS) failure_ = code;
  }

  // Waits until all that was begun is done.
  Status finish() {
    int done = 0;
    for (Backoff backoff; failure_ == MPI_SUCCESS;) {
      note(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done,
                       MPI_STATUSES_IGNORE));
      if (done) break;
      while_waiting_ ? while_waiting_() : backoff.wait();
    }
    requests_.clear();
    if (failure_ != MPI_SUCCESS) return to_error(failure_);
    return Ok{};
  }

  void sum_owned(std::span<float> owned) {
    std::vector<const float*> parts;
    for (uint32_t r = 0; r < ranks_; ++r) {
      const size_t place = r < rank_ ? r : r - 1;
      parts.push_back(r == rank_ ? owned.data() : received_.data() + place * owned.size());
    }
    sum_in_rank_order(parts, owned);
  }

  MPI_Comm communicator_;
  const std::function<void()> while_waiting_;
  uint32_t rank_ = 0, ranks_ = 1;
  std::vector<MPI_Request> requests_;
  std::vector<float> received_;  // the others' parts of the piece that this rank owns
  int failure_ = MPI_SUCCESS;    // it lasts: after it, messages may be on their way for ever
};

}  // namespace

std::unique_ptr<Collective> make_mpi_collective(MPI_Comm communicator,
                                                std::function<void()> while_waiting) {
  return std::make_unique<MpiCollective>(communicator, std::move(while_waiting));
}

}  // namespace cairn::collective
