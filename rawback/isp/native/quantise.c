/* Levels and what they look like: isp/dct.py's `quantise`, isp/statistics.py. */
#include "core.h"
#include "dependent.h"
#include "jpeg_scan.h"
#include <math.h>

#define LIMIT 1023.0f
#define ROUNDER 12582912.0f /* 1.5 * 2^23: added and taken away, it leaves the nearest whole number, halves to even */

/* (count, 64) coefficients in steps -> levels. */
EXPORT int64_t core_quantise(const float *steps, int64_t count, float dead_zone, int16_t *levels)
{
    for (int64_t block = 0; block < count; block++, steps += 64, levels += 64) {
        for (int i = 0; i < 64; i++) {
            float level = (steps[i] < 0 ? -dead_zone : dead_zone) + steps[i];
            level = level > LIMIT ? LIMIT : level;
            levels[i] = (int16_t)(int32_t)(level < -LIMIT ? -LIMIT : level);
        }
        float mean = steps[0] > LIMIT ? LIMIT : steps[0] < -LIMIT ? -LIMIT : steps[0];
        levels[0] = (int16_t)(int32_t)(mean + ROUNDER - ROUNDER);
    }
    return 0;
}

/* Which of its two quantisers each level of a block is of. */
static void quantisers(const int16_t *levels, uint8_t *of)
{
    for (int k = 1, state = 0; k < 64; k++) {
        of[ZIGZAG[k]] = state & 1;
        state = next_state(state, levels[ZIGZAG[k]]);
    }
}

/* Sums of |coefficient| - |level| of AC, and how many there are, by magnitude 1, 2, larger (3 each); of every `apart`-th
 * block in rows of n. dependent: of each quantiser, beyond what its magnitudes stand for (2, 3).
 * counts: (16, 12) of AC symbols, or NULL. */
EXPORT int64_t core_statistics(const int16_t *levels, const float *steps, int64_t m, int64_t n, int64_t apart,
                               int64_t dependent, double *excess, int64_t *number, int64_t *counts)
{
    uint8_t quantiser[64] = {0};
    for (int64_t row = 0; row < m; row++)
        for (int64_t column = 0; column < n; column += apart) {
            const int16_t *of = levels + 64 * (row * n + column);
            const float *truth = steps + 64 * (row * n + column);
            if (dependent)
                quantisers(of, quantiser);
            const uint64_t coded = coded_of(of);
            for (uint64_t left = coded; left; left &= left - 1) {
                int i = __builtin_ctzll(left), magnitude = of[i] < 0 ? -of[i] : of[i];
                int kind = 3 * quantiser[i] + (magnitude < 3 ? magnitude : 3) - 1;
                float offset = dependent ? OFFSETS[quantiser[i]] : 0;
                excess[kind] += (double)(fabsf(truth[i]) - ((float)magnitude + offset));
                number[kind]++;
            }
            if (!counts)
                continue;
            int last = 0;
            for (uint64_t left = in_scan(coded); left; left &= left - 1) {
                int k = __builtin_ctzll(left), level = of[ZIGZAG[k]], run = k - last - 1;
                counts[15 * 12] += run / 16;
                counts[run % 16 * 12 + bit_length((unsigned)(level < 0 ? -level : level))]++;
                last = k;
            }
            counts[0] += last < 63;
        }
    return 0;
}
