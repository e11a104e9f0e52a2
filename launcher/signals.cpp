#include "launcher/signals.h"

#include <csignal>

namespace cairn {

namespace {

std::atomic<bool> interrupt_flag{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler stores it");

void note_interrupt(int) { interrupt_flag.store(true); }

void note_interrupt_once(int) {
  interrupt_flag.store(true);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

}  // namespace

const std::atomic<bool>& interrupted() { return interrupt_flag; }

void take_sigusr1_as_interrupt() { handle(SIGUSR1, note_interrupt); }

void take_signals_as_interrupt() {
  handle(SIGUSR1, note_interrupt);
  handle(SIGINT, note_interrupt_once);
  handle(SIGTERM, note_interrupt_once);
}

}  // namespace cairn
