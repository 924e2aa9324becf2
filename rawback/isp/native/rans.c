/* Interleaved entropy coding, and bits of 0..7 each: lossless/rans.py and lossless/residuals.py. */
#include "core.h"

#define LOW 65536u

/* state (lanes,) from its first values to its last; symbol i has frequency and start at[i]. Words from the end of `out`
 * (n u16) backwards; how many. */
EXPORT int64_t core_rans_encode(const uint8_t *symbols, const uint8_t *of, int64_t n, const uint16_t *frequencies,
                                const uint32_t *starts, int64_t precision, int64_t lanes, uint32_t *state, uint16_t *out)
{
    uint16_t *to = out + n;
    for (int64_t i = n - 1, lane = (n - 1) % lanes; i >= 0; i--) {
        int64_t at = 256 * (int64_t)of[i] + symbols[i];
        uint32_t frequency = frequencies[at], s = state[lane];
        if (!frequency)
            return -1;
        if ((s >> (32 - precision)) >= frequency) {
            *--to = (uint16_t)s;
            s >>= 16;
        }
        uint32_t quotient = s / frequency;
        state[lane] = (quotient << precision) + (s - quotient * frequency) + starts[at];
        lane = lane ? lane - 1 : lanes - 1;
    }
    return out + n - to;
}

/* symbol_at, step_at: (tables, 2^precision); every `of` below tables. The words read, or -1 where there are too few. */
EXPORT int64_t core_rans_decode(const uint8_t *of, int64_t n, const uint8_t *symbol_at, const uint32_t *step_at,
                                int64_t precision, int64_t lanes, uint32_t *state, const uint16_t *words, int64_t count, uint8_t *symbols)
{
    int64_t position = 0;
    uint32_t mask = (1u << precision) - 1;
    for (int64_t start = 0; start < n; start += lanes) {
        int64_t here = n - start < lanes ? n - start : lanes;
        for (int64_t lane = 0; lane < here; lane++) {
            uint32_t s = state[lane], at = (uint32_t)of[start + lane] << precision | (s & mask), step = step_at[at];
            symbols[start + lane] = symbol_at[at];
            s = (s >> precision) * (step >> 16) + (step & 0xFFFF);
            if (s < LOW) {
                if (position == count)
                    return -1;
                s = s << 16 | words[position++];
            }
            state[lane] = s;
        }
    }
    return position;
}

/* The lowest widths[i] bits of each value, most significant first; `out` is filled with zeros at first. */
EXPORT int64_t core_place_bits(const int32_t *values, const uint8_t *widths, int64_t n, uint8_t *out)
{
    uint64_t held = 0;
    int count = 0;
    uint8_t *to = out;
    for (int64_t i = 0; i < n; i++) {
        int width = widths[i];
        held = held << width | ((uint32_t)values[i] & ((1u << width) - 1));
        count += width;
        if (count >= 32) {
            count -= 32;
            uint32_t word = (uint32_t)(held >> count);
            to[0] = (uint8_t)(word >> 24), to[1] = (uint8_t)(word >> 16), to[2] = (uint8_t)(word >> 8), to[3] = (uint8_t)word;
            to += 4;
        }
    }
    for (; count > 0; count -= 8)
        *to++ = (uint8_t)(count >= 8 ? held >> (count - 8) : held << (8 - count));
    return to - out;
}

/* The inverse, added to (symbol - 128) << width: (n,) residuals. `size` bytes hold all of them, as the caller has seen. */
EXPORT int64_t core_residuals(const uint8_t *symbols, const uint8_t *widths, int64_t n, const uint8_t *bits, int64_t size,
                              int32_t *residuals)
{
    uint64_t held = 0;
    int count = 0;
    int64_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        int width = widths[i];
        while (count < width) {
            held = held << 8 | (at < size ? bits[at] : 0);
            at++, count += 8;
        }
        count -= width;
        residuals[i] = (symbols[i] - 128) * (1 << width) + (int32_t)(held >> count & ((1u << width) - 1));
    }
    return at <= size ? 0 : -1;
}
