/* What the sources of the compiled core share. Each function computes to the last bit what a function of Python does in
 * numpy; that one is its oracle in tests/test_core.py. Floats are added and multiplied in the order written: compiled with
 * -ffp-contract=off and without -ffast-math, so that no processor's fused multiply-add changes a bit. */
#ifndef RAWBACK_CORE_H
#define RAWBACK_CORE_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

/* A library of another number is of another version of the Python code, and not used. */
#define CORE_ABI 5

static inline int bit_length(unsigned value) { return value ? 32 - __builtin_clz(value) : 0; }

/* Bits, most significant first, with a zero byte after each FF (T.81, B.1.1.5). */
typedef struct {
    uint8_t *at;
    uint64_t held; /* the lowest `count` bits */
    int count;
} BitWriter;

static inline void put_bits(BitWriter *to, uint64_t bits, int size) /* size <= 32; at most 31 are held on entry */
{
    to->held = to->held << size | bits;
    to->count += size;
    if (to->count < 32)
        return;
    to->count -= 32;
    uint32_t word = (uint32_t)(to->held >> to->count);
    uint32_t inverted = ~word;
    if (!((inverted - 0x01010101u) & ~inverted & 0x80808080u)) { /* no byte is FF */
        to->at[0] = word >> 24, to->at[1] = word >> 16, to->at[2] = word >> 8, to->at[3] = word;
        to->at += 4;
        return;
    }
    for (int shift = 24; shift >= 0; shift -= 8) {
        uint8_t byte = word >> shift;
        *to->at++ = byte;
        if (byte == 0xFF)
            *to->at++ = 0;
    }
}

/* The rest, its last byte filled with ones. */
static inline void end_bits(BitWriter *to)
{
    while (to->count > 0) {
        int missing = to->count < 8 ? 8 - to->count : 0;
        uint8_t byte = missing ? (uint8_t)(to->held << missing | ((1u << missing) - 1)) : (uint8_t)(to->held >> (to->count - 8));
        *to->at++ = byte;
        if (byte == 0xFF)
            *to->at++ = 0;
        to->count -= 8;
    }
}

#endif
