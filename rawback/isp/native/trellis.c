/* Rate-distortion optimised levels: isp/trellis.py, block by block. */
#include "core.h"
#include "jpeg_scan.h"
#include <math.h>
#include <string.h>

#define SIZES 12
#define LIMIT 1023.0f
#define UNREACHED 1e9f
#define ROUNDER 12582912.0f

/* Which AC coefficients of a block, in the order of the scan, are half a step or more: bit k for the one that is k-th. */
static inline uint64_t worth(const float *scaled)
{
    uint8_t is[64];
    for (int i = 0; i < 64; i++)
        is[i] = fabsf(scaled[i]) >= 0.5f;
    return in_scan(mask_of(is) & ~(uint64_t)1);
}

/* (count, 64) coefficients in steps -> levels, natural order. prices: (kinds, SIZES, 63) of a level of that size after that
 * many zeros, and `ends` of an end of block (kinds,), in squared steps; cheapest: the least price after so many or more;
 * kinds: (count,) of blocks. centroids: (3,). */
EXPORT int64_t core_trellis(const float *scaled, int64_t count, const float *prices, const float *cheapest, const float *ends,
                            const uint8_t *kinds, const float *centroids, int16_t *levels)
{
    for (int64_t block = 0; block < count; block++, scaled += 64, levels += 64) {
        int64_t kind = kinds[block];
        float end = ends[kind];
        float cost[64], lowest[64]; /* of ending at a place that is reached; and of all up to it */
        int place[64], from[64], chosen[64], reached = 1;
        cost[0] = lowest[0] = 0, place[0] = 0;
        memset(levels, 0, 64 * sizeof *levels);
        for (uint64_t left = worth(scaled); left; left &= left - 1) {
            int k = __builtin_ctzll(left), size = 0, origin = 0;
            float magnitude = fabsf(scaled[ZIGZAG[k]]), upper = floorf(magnitude + 0.5f), best = UNREACHED, least = 0;
            int highest = (int)(upper > LIMIT ? LIMIT : upper);
            for (int level = highest; level >= highest - 1 && level > 0; level--) {
                if (bit_length((unsigned)level) != size) { /* else what comes before is the same */
                    size = bit_length((unsigned)level), origin = 0, least = INFINITY;
                    const float *price = prices + 63 * (SIZES * kind + size), *onwards = cheapest + 63 * (SIZES * kind + size);
                    for (int i = reached - 1; i >= 0; i--) { /* of equals the first; none before `i` can be below the bound */
                        int run = k - 1 - place[i];
                        if (lowest[i] + onwards[run] > least)
                            break;
                        float total = cost[i] + price[run];
                        if (total <= least)
                            least = total, origin = i;
                    }
                }
                float error = magnitude - (float)level - centroids[level < 3 ? level - 1 : 2];
                float here = least + error * error - magnitude * magnitude;
                if (here < best)
                    best = here, from[reached] = origin, chosen[reached] = level;
            }
            cost[reached] = best;
            lowest[reached] = best < lowest[reached - 1] ? best : lowest[reached - 1];
            place[reached++] = k;
        }
        int last = 0;
        float least = cost[0] + end;
        for (int i = 1; i < reached; i++) {
            float ended = cost[i] + end;
            if (place[i] == 63)
                ended = ended - end;
            if (ended < least)
                least = ended, last = i;
        }
        for (; last; last = from[last]) {
            int at = ZIGZAG[place[last]];
            int negative = scaled[at] < 0;
            levels[at] = (int16_t)((chosen[last] ^ -negative) + negative);
        }
        float mean = scaled[0] > LIMIT ? LIMIT : scaled[0] < -LIMIT ? -LIMIT : scaled[0];
        levels[0] = (int16_t)(int32_t)(mean + ROUNDER - ROUNDER);
    }
    return 0;
}

/* AC symbols of (count, 64) levels: (16, SIZES) of run and size. */
EXPORT int64_t core_symbol_counts(const int16_t *levels, int64_t count, int64_t *counts)
{
    for (int64_t block = 0; block < count; block++, levels += 64) {
        int last = 0;
        for (uint64_t left = in_scan(coded_of(levels)); left; left &= left - 1) {
            int k = __builtin_ctzll(left), level = levels[ZIGZAG[k]], run = k - last - 1;
            counts[15 * SIZES] += run / 16;
            counts[run % 16 * SIZES + bit_length((unsigned)(level < 0 ? -level : level))]++;
            last = k;
        }
        counts[0] += last < 63;
    }
    return 0;
}

/* What the AC levels of each block take: prices (SIZES, 63) of a level after so many zeros, and `end` (1,) of an end of block. */
EXPORT int64_t core_block_bits(const int16_t *levels, int64_t count, const float *prices, const double *end, double *bits)
{
    for (int64_t block = 0; block < count; block++, levels += 64) {
        double total = 0;
        int last = 0;
        for (uint64_t left = in_scan(coded_of(levels)); left; left &= left - 1) {
            int k = __builtin_ctzll(left), level = levels[ZIGZAG[k]];
            total += (double)prices[63 * bit_length((unsigned)(level < 0 ? -level : level)) + k - last - 1];
            last = k;
        }
        bits[block] = last < 63 ? total + *end : total;
    }
    return 0;
}
