#include "launcher/signals.h"

#include <unistd.h>

#include <csignal>
#include <thread>
#include <utility>

#include "launcher/exit_code.h"

namespace cairn::launcher {

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

void stop_at_signals(std::function<void()> clean_up) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // here, and in all threads started later
  std::thread([ends, clean_up = std::move(clean_up)] {
    int signal = 0;
    while (sigwait(&ends, &signal) != 0) {
    }
    print_error("stopping");
    clean_up();
    _exit(kFailed);
  }).detach();
}

}  // namespace cairn::launcher
