/*
 * Included before ggml's thread code (see CMakeLists.txt): its threads wait for each other in pure spin loops. Where a
 * machine has more threads to run than cores (two members on one machine, or a build beside them), a thread that spins
 * takes the core from the very thread that it waits for, and a step takes tens of times as long. Here a waiting thread
 * offers its core now and then.
 *
 * ggml defines `ggml_thread_cpu_relax(void)` and calls `ggml_thread_cpu_relax()`: the macro's argument tells the two
 * apart, so that the definition becomes `shoal_pause` and the calls go to `shoal_wait`.
 */
#pragma once

#if defined(_WIN32)
__declspec(dllimport) int __stdcall SwitchToThread(void);
#define SHOAL_OFFER_CORE() SwitchToThread()
#else
int sched_yield(void);
#define SHOAL_OFFER_CORE() sched_yield()
#endif

#if defined(_MSC_VER)
#define SHOAL_THREAD_LOCAL __declspec(thread)
#else
#define SHOAL_THREAD_LOCAL _Thread_local
#endif

/* 10 to 40 microseconds of pauses: longer than threads of equal load wait on a quiet machine. */
#define SHOAL_PAUSES_PER_OFFER 512

static inline void shoal_pause(void);

static inline void shoal_wait(void) {
    static SHOAL_THREAD_LOCAL unsigned pauses;
    shoal_pause();
    if (++pauses % SHOAL_PAUSES_PER_OFFER == 0) {
        SHOAL_OFFER_CORE();
    }
}

#define SHOAL_RELAX_void shoal_pause(void)
#define SHOAL_RELAX_ shoal_wait()
#define ggml_thread_cpu_relax(argument) SHOAL_RELAX_##argument
