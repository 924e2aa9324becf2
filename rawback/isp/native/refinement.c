/* The encoder of the refinement layer: lossless/refinement/trellis.py, block by block. */
#include "core.h"
#include "dependent.h"
#include <math.h>
#include <string.h>

#define LIMIT 1023
#define MIDDLE 128
#define ESCAPE 255
#define UNREACHED 1e9f

/* What a level at a place is coded as, where `foretold` is what the coarse picture lets expect. */
static inline int symbol_of(int level, int foretold)
{
    int value = foretold ? (foretold < 0 ? foretold - level : level - foretold) + MIDDLE : level < 0 ? -level : level;
    return value < 0 || value > ESCAPE ? ESCAPE : value;
}

/* steps (64, count), foretold, cells: place by place; prices (cells, 256), times the weight (count) of a block; centroids (2, 3).
 * levels (64, count), but for the first place. */
EXPORT int64_t core_refine(const float *steps, const int16_t *foretold, const uint8_t *cells, int64_t count, const float *prices,
                           const float *weights, const float *centroids, int16_t *levels)
{
    uint8_t ways[STATES][2]; /* into a state: 2 * state before + parity */
    for (int state = 0, n[STATES] = {0}; state < STATES; state++)
        for (int parity = 0; parity < 2; parity++) {
            int after = next_state(state, parity);
            ways[after][n[after]++] = (uint8_t)(2 * state + parity);
        }
    for (int64_t block = 0; block < count; block++) {
        float cost[STATES], next[STATES], weight = weights[block];
        int16_t level_of[64][4]; /* by 2 * quantiser + parity */
        uint8_t taken[64][STATES];
        for (int state = 0; state < STATES; state++)
            cost[state] = state ? UNREACHED : 0;
        for (int place = 1; place < 64; place++) {
            int64_t at = place * count + block;
            float value = steps[at], magnitude = fabsf(value), least[4];
            int sign = value < 0 ? -1 : 1;
            magnitude = magnitude > LIMIT ? LIMIT : magnitude;
            for (int quantiser = 0; quantiser < 2; quantiser++) {
                const float *price = prices + 256 * ((int64_t)cells[at] + quantiser);
                int below = (int)(magnitude - OFFSETS[quantiser]);
                float nothing = magnitude * magnitude + weight * price[symbol_of(0, foretold[at])];
                for (int parity = 0; parity < 2; parity++) {
                    int level = below + ((below + parity) & 1), kind = 2 * quantiser + parity;
                    least[kind] = parity ? UNREACHED : nothing, level_of[place][kind] = 0;
                    if (!level || level > LIMIT)
                        continue;
                    float error = magnitude - ((float)level + OFFSETS[quantiser]) - centroids[3 * quantiser + (level < 3 ? level - 1 : 2)];
                    float total = error * error + weight * price[symbol_of(sign * level, foretold[at])];
                    if (total < least[kind])
                        least[kind] = total, level_of[place][kind] = (int16_t)(sign * level);
                }
            }
            for (int state = 0; state < STATES; state++) {
                int first = ways[state][0], second = ways[state][1];
                float one = cost[first >> 1] + least[(first & 2) | (first & 1)], other = cost[second >> 1] + least[(second & 2) | (second & 1)];
                next[state] = other < one ? other : one;
                taken[place][state] = (uint8_t)(other < one ? second : first);
            }
            memcpy(cost, next, sizeof cost);
        }
        int state = 0;
        for (int other = 1; other < STATES; other++)
            if (cost[other] < cost[state])
                state = other;
        for (int place = 63; place; place--) {
            int way = taken[place][state];
            levels[place * count + block] = level_of[place][way & 3];
            state = way >> 1;
        }
    }
    return 0;
}
