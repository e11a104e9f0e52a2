#include "worker/math/device/host_device.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "common/check.h"

namespace cairn::math {
namespace {

constexpr std::align_val_t kAlignment{256};

thread_local HostDevice* current = nullptr;

}  // namespace

struct EventHandle {
  uint64_t given = 0, happened = 0;  // recordings
};

struct StreamHandle {
  struct Pending {
    std::function<void()> work;
    EventHandle* awaited = nullptr;  // with `recording`: nothing goes on before it has happened
    uint64_t recording = 0;
  };
  std::deque<Pending> pending;
  std::vector<std::function<void()>> captured;

  bool can_go_on() const {
    return !pending.empty() && (pending.front().awaited == nullptr ||
                                pending.front().awaited->happened >= pending.front().recording);
  }
};

struct GraphHandle {
  std::vector<std::function<void()>> work;
};

HostDevice::HostDevice(Order order, uint64_t seed)
    : order_(order), random_(seed), before_(current) {
  current = this;
  set_stream(make_stream());
}

HostDevice::~HostDevice() {
  finish_all();
  if (current == this) current = before_;
}

HostDevice& HostDevice::of_this_thread() {
  if (current == nullptr) {
    thread_local HostDevice own(Order::kAtOnce);
    current = &own;
  }
  return *current;
}

void* HostDevice::allocate(size_t bytes) {
  ++allocations_;
  allocated_ += bytes;
  return ::operator new(bytes, kAlignment);
}

void HostDevice::free(void* block, size_t bytes) {
  finish_all();  // as the device's own: what was given before may use it
  allocated_ -= bytes;
  ::operator delete(block, kAlignment);
}

void HostDevice::read(void* host, const void* here, size_t bytes) {
  copy(stream(), host, here, bytes);
  synchronize(stream());
}

void HostDevice::write(void* here, const void* host, size_t bytes) {
  copy(stream(), here, host, bytes);
  synchronize(stream());
}

Stream HostDevice::make_stream() {
  return streams_.emplace_back(std::make_unique<StreamHandle>()).get();
}

Event HostDevice::make_event() {
  return events_.emplace_back(std::make_unique<EventHandle>()).get();
}

void HostDevice::give(Stream stream, std::function<void()> work) {
  if (stream == capturing_) {
    stream->captured.push_back(std::move(work));
  } else if (order_ == Order::kAtOnce) {
    work();
  } else {
    stream->pending.push_back({std::move(work)});
  }
}

void HostDevice::copy(Stream stream, void* to, const void* from, size_t bytes) {
  if (bytes > 0) give(stream, [=] { std::memcpy(to, from, bytes); });
}

void HostDevice::zero(Stream stream, void* block, size_t bytes) {
  if (bytes > 0) give(stream, [=] { std::memset(block, 0, bytes); });
}

void HostDevice::record(Event event, Stream stream) {
  check(stream != capturing_, "an event is recorded into a graph");
  const uint64_t recording = ++event->given;
  give(stream, [=] { event->happened = recording; });
}

void HostDevice::wait(Stream stream, Event event) {
  check(stream != capturing_, "a graph waits for an event");
  if (order_ == Order::kAnyOrder) stream->pending.push_back({{}, event, event->given});
}

bool HostDevice::done(Event event) {
  if (event->happened < event->given) step();
  return event->happened >= event->given;
}

bool HostDevice::step() {
  std::vector<StreamHandle*> able;
  for (const auto& stream : streams_)
    if (stream->can_go_on()) able.push_back(stream.get());
  if (able.empty()) return false;
  StreamHandle& stream = *able[random_() % able.size()];
  const std::function<void()> work = std::move(stream.pending.front().work);
  stream.pending.pop_front();
  if (work) work();
  return true;
}

void HostDevice::synchronize(Stream stream) {
  while (!stream->pending.empty()) check(step(), "streams wait for each other for ever");
}

void HostDevice::finish_all() {
  for (const auto& stream : streams_) synchronize(stream.get());
}

void HostDevice::begin_capture(Stream stream) {
  check(capturing_ == nullptr, "a capture within a capture");
  capturing_ = stream;
}

Graph HostDevice::end_capture(Stream stream) {
  check(capturing_ == stream, "a capture ends that has not begun");
  capturing_ = nullptr;
  ++captures_;
  graphs_.push_back(std::make_unique<GraphHandle>(GraphHandle{std::move(stream->captured)}));
  stream->captured.clear();
  return graphs_.back().get();
}

void HostDevice::launch(Graph graph, Stream stream) {
  for (const std::function<void()>& work : graph->work) give(stream, work);
}

void HostDevice::destroy(Graph graph) {
  finish_all();
  std::erase_if(graphs_, [&](const auto& kept) { return kept.get() == graph; });
}

void* HostDevice::scratch(size_t bytes) {
  if (scratch_.size() < bytes) {
    finish_all();
    scratch_.assign(std::max(bytes, 2 * scratch_.size()), std::byte{0xff});
    ++scratch_generation_;
  }
  return scratch_.data();
}

}  // namespace cairn::math
