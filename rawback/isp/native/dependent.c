/* Dependent quantisation: isp/dependent.py, block by block. */
#include "dependent.h"
#include "core.h"
#include "jpeg_scan.h"
#include <math.h>
#include <string.h>

#define SIZES 12
#define LIMIT 1023
#define UNREACHED 1e9f
#define ROUNDER 12582912.0f
#define LEAST 0.25f

typedef float Half __attribute__((vector_size(16), aligned(4), may_alias)); /* four lanes: what all processors have */
typedef int32_t Mask __attribute__((vector_size(16), aligned(4), may_alias));

static inline Half lower(Half a, Half b)
{
    Mask less = a < b;
    return (Half)(((Mask)a & less) | ((Mask)b & ~less));
}

/* Whether all lanes are, where a level costs so much at least, above what they have. */
static inline int above(const float *lowest, float price, const float *best)
{
    int open = 0;
    for (int lane = 0; lane < STATES; lane++)
        open |= lowest[lane] + price <= best[lane];
    return !open;
}

/* State after `count` zeros. */
static inline int after_zeros(int state, int count)
{
    for (count &= 3; count; count--) /* four zeros lead back to any state */
        state = next_state(state, 0);
    return state;
}

/* What is the same for all blocks. Lane u of place p is the path that is in state after_zeros(u, p - 1) there: while levels
 * are 0, it stays in its lane. By place modulo 4 and by lane of the next place there are two ways into it, each from another
 * lane and by a level of another kind (2 * quantiser + parity): lane + STATES * kind. */
typedef struct {
    uint8_t ways[4][STATES][2];
} Paths;

static void lay(Paths *paths)
{
    for (int place = 1; place <= 4; place++) {
        int lane_of[STATES];
        for (int lane = 0; lane < STATES; lane++)
            lane_of[after_zeros(lane, place - 1)] = lane;
        for (int lane = 0; lane < STATES; lane++) {
            int reached = after_zeros(lane, place);
            for (int way = 0; way < 2; way++) {
                int state = (reached >> 1) + 4 * way, parity = next_state(state, 0) != reached;
                paths->ways[place & 3][lane][way] = (uint8_t)(lane_of[state] + STATES * (2 * (state & 1) + parity));
            }
        }
    }
}

typedef struct {
    int level, size; /* 0: there is none */
    float gain;      /* squared error, less that of 0 */
} Candidate;

static Candidate candidate(float magnitude, int quantiser, int level, const float *centroids)
{
    if (level < 1 || level > LIMIT)
        return (Candidate){0, 0, UNREACHED};
    float value = (float)level + OFFSETS[quantiser];
    float error = magnitude - value - centroids[3 * quantiser + (level < 3 ? level - 1 : 2)];
    return (Candidate){level, bit_length((unsigned)level), error * error - magnitude * magnitude};
}

/* From which of the places before `last` a lane comes to its level, of equals the first. price: after so many zeros. */
static int origin(float (*cost)[STATES], const int *place, int last, int lane, const float *price)
{
    int from = 0;
    float least = cost[0][lane] + price[place[last] - 1];
    for (int i = 1; i < last; i++) {
        float total = cost[i][lane] + price[place[last] - 1 - place[i]];
        if (total < least)
            least = total, from = i;
    }
    return from;
}

/* (count, 64) coefficients in steps -> levels, natural order. prices, cheapest, ends, kinds: as core_trellis has them.
 * centroids: (2, 3). */
EXPORT int64_t core_dependent(const float *scaled, int64_t count, const float *prices, const float *cheapest,
                              const float *ends, const uint8_t *kinds, const float *centroids, int16_t *levels)
{
    Paths paths;
    lay(&paths);
    for (int64_t block = 0; block < count; block++, scaled += 64, levels += 64) {
        float cost[64][STATES]; /* of ending at a place that is reached, by lane */
        float lowest[64][STATES]; /* of all up to a place */
        int place[64] = {0}, reached = 1;
        int16_t level_of[64][4]; /* by kind */
        uint8_t way[64][STATES]; /* that was taken to it */
        const float *by_size = prices + 63 * SIZES * kinds[block], *bounds = cheapest + 63 * SIZES * kinds[block];
        float end = ends[kinds[block]];
        for (int lane = 0; lane < STATES; lane++)
            cost[0][lane] = lowest[0][lane] = lane ? UNREACHED : 0;
        for (int k = 1; k < 64; k++) {
            float magnitude = fabsf(scaled[ZIGZAG[k]]);
            levels[ZIGZAG[k]] = 0;
            if (magnitude < LEAST)
                continue;
            magnitude = magnitude > LIMIT ? LIMIT : magnitude;
            Candidate by[4]; /* by kind */
            for (int quantiser = 0; quantiser < 2; quantiser++) {
                int below = (int)(magnitude - OFFSETS[quantiser]);
                for (int level = below; level <= below + 1; level++)
                    by[2 * quantiser + (level & 1)] = candidate(magnitude, quantiser, level, centroids);
            }
            float least[SIZES][STATES];
            unsigned known = 0;
            for (int n = 0; n < 4; n++) {
                int size = by[n].size;
                if (!size || known >> size & 1)
                    continue;
                known |= 1u << size;
                const float *price = by_size + 63 * size + k - 1, *onwards = bounds + 63 * size + k - 1;
                Half best[2] = {(Half){0} + 2 * UNREACHED, (Half){0} + 2 * UNREACHED};
                for (int i = reached - 1; i >= 0; i--) { /* none before `i` can be below the bound, asked for now and then */
                    if (!(i & 3) && above(lowest[i], onwards[-place[i]], (const float *)best))
                        break;
                    float here = price[-place[i]];
                    best[0] = lower(*(Half *)cost[i] + here, best[0]);
                    best[1] = lower(*(Half *)(cost[i] + 4) + here, best[1]);
                }
                memcpy(least[size], best, sizeof best);
            }
            float total[4 * STATES];
            for (int n = 0; n < 4; n++) {
                level_of[reached][n] = (int16_t)by[n].level;
                for (int lane = 0; lane < STATES; lane++)
                    total[STATES * n + lane] = by[n].size ? least[by[n].size][lane] + by[n].gain : UNREACHED;
            }
            for (int lane = 0; lane < STATES; lane++) {
                const uint8_t *ways = paths.ways[k & 3][lane];
                int taken = total[ways[1]] < total[ways[0]] ? ways[1] : ways[0];
                cost[reached][lane] = total[taken];
                way[reached][lane] = (uint8_t)taken;
            }
            for (int lane = 0; lane < STATES; lane++) {
                float here = cost[reached][lane], before = lowest[reached - 1][lane];
                lowest[reached][lane] = here < before ? here : before;
            }
            place[reached++] = k;
        }
        int last = 0, lane = 0;
        float least = cost[0][0] + end;
        for (int i = 1; i < reached; i++)
            for (int u = 0; u < STATES; u++) {
                float ended = place[i] == 63 ? cost[i][u] : cost[i][u] + end;
                if (ended < least)
                    least = ended, last = i, lane = u;
            }
        while (last) {
            int at = ZIGZAG[place[last]], taken = way[last][lane], level = level_of[last][taken / STATES];
            levels[at] = (int16_t)(scaled[at] < 0 ? -level : level);
            lane = taken % STATES;
            last = origin(cost, place, last, lane, by_size + 63 * bit_length((unsigned)level));
        }
        float mean = scaled[0] > LIMIT ? LIMIT : scaled[0] < -LIMIT ? -LIMIT : scaled[0];
        levels[0] = (int16_t)(int32_t)(mean + ROUNDER - ROUNDER);
    }
    return 0;
}
