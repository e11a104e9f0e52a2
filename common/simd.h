// Marks a function whose loops the compiler vectorises once per level of x86-64. The program
// chooses the right version when it starts, so one binary runs anywhere and uses what is there.
// Sanitizers get one version alone: they instrument the chooser, which runs before they do.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CAIRN_SIMD \
  __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4"), optimize("O3")))
#else
#define CAIRN_SIMD
#endif
