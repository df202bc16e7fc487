/*
 * Included before ggml's code for tiles of integers (AMX; see CMakeLists.txt). GCC before 11.5, 12.4 and 13.3 does not
 * know that `_tile_loadconfig` reads 64 bytes (its bug 114098): it leaves out the writes to all but the first eight, and
 * the first product ends the process with an invalid instruction. Here the instruction says what it reads.
 */
#pragma once

#if defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#define _tile_loadconfig(configuration) \
    __asm__ volatile("ldtilecfg\t%X0" : : "m"(*(const char(*)[64])(configuration)))
#endif
