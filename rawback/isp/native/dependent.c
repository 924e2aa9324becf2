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

typedef int32_t Lanes __attribute__((vector_size(32), aligned(4), may_alias));
typedef float Costs __attribute__((vector_size(32), aligned(4), may_alias));

static inline int any(Lanes lanes)
{
    int64_t halves[4];
    memcpy(halves, &lanes, sizeof halves);
    return (halves[0] | halves[1] | halves[2] | halves[3]) != 0;
}

/* State after `count` zeros. */
static inline int after_zeros(int state, int count)
{
    for (count &= 3; count; count--) /* four zeros lead back to any state */
        state = next_state(state, 0);
    return state;
}

/* What is the same for all blocks. Lane u of place p is the path that is in state after_zeros(u, p - 1) there: while levels
 * are 0, it stays in its lane. */
typedef struct {
    int state[4][STATES];              /* of a lane, by place modulo 4 */
    int from[4][STATES][2];            /* lanes that a level at a place leads from into a lane of the next, */
    int quantiser[4][STATES][2], parity[4][STATES][2]; /* and which level that is */
} Paths;

static void lay(Paths *paths)
{
    for (int place = 1; place <= 4; place++) {
        int m = place & 3, lane_of[STATES];
        for (int lane = 0; lane < STATES; lane++) {
            paths->state[m][lane] = after_zeros(lane, place - 1);
            lane_of[paths->state[m][lane]] = lane;
        }
        for (int lane = 0; lane < STATES; lane++) {
            int reached = after_zeros(lane, place);
            for (int way = 0; way < 2; way++) {
                int state = (reached >> 1) + 4 * way;
                paths->from[m][lane][way] = lane_of[state];
                paths->quantiser[m][lane][way] = state & 1;
                paths->parity[m][lane][way] = next_state(state, 0) != reached;
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

/* (count, 64) coefficients in steps -> levels, natural order. prices, cheapest, ends, kinds: as core_trellis has them.
 * centroids: (2, 3). */
EXPORT int64_t core_dependent(const float *scaled, int64_t count, const float *prices, const float *cheapest,
                              const float *ends, const uint8_t *kinds, const float *centroids, int16_t *levels)
{
    Paths paths;
    lay(&paths);
    for (int64_t block = 0; block < count; block++, scaled += 64, levels += 64) {
        float cost[64][STATES]; /* of ending at a place that is reached, by lane */
        Costs lowest[64];       /* of all up to a place */
        int place[64] = {0}, reached = 1;
        int16_t chosen[64][STATES];
        int8_t from[64][STATES], lane_from[64][STATES];
        const float *by_size = prices + 63 * SIZES * kinds[block], *bounds = cheapest + 63 * SIZES * kinds[block];
        float end = ends[kinds[block]];
        for (int lane = 0; lane < STATES; lane++)
            cost[0][lane] = lane ? UNREACHED : 0;
        lowest[0] = *(Costs *)cost[0];
        for (int k = 1; k < 64; k++) {
            float magnitude = fabsf(scaled[ZIGZAG[k]]);
            levels[ZIGZAG[k]] = 0;
            if (magnitude < LEAST)
                continue;
            magnitude = magnitude > LIMIT ? LIMIT : magnitude;
            Candidate by[2][2]; /* quantiser, parity */
            for (int quantiser = 0; quantiser < 2; quantiser++) {
                int below = (int)(magnitude - OFFSETS[quantiser]);
                for (int level = below; level <= below + 1; level++)
                    by[quantiser][level & 1] = candidate(magnitude, quantiser, level, centroids);
            }
            Costs least[SIZES];
            Lanes origin[SIZES];
            unsigned known = 0;
            for (int n = 0; n < 4; n++) {
                int size = by[n >> 1][n & 1].size;
                if (!size || known >> size & 1)
                    continue;
                known |= 1u << size;
                const float *price = by_size + 63 * size + k - 1, *onwards = bounds + 63 * size + k - 1;
                int i = reached - 1;
                Costs best = *(Costs *)cost[i] + price[-place[i]];
                Lanes at = {i, i, i, i, i, i, i, i};
                while (i-- > 0) { /* of equals the first; none before `i` can be below the bound */
                    Lanes open = lowest[i] + onwards[-place[i]] <= best;
                    if (!any(open))
                        break;
                    Costs total = *(Costs *)cost[i] + price[-place[i]];
                    Lanes better = total <= best;
                    best = (Costs)(((Lanes)total & better) | ((Lanes)best & ~better));
                    at = ((Lanes){i, i, i, i, i, i, i, i} & better) | (at & ~better);
                }
                least[size] = best;
                origin[size] = at;
            }
            int m = k & 3;
            for (int lane = 0; lane < STATES; lane++) {
                float best = UNREACHED;
                chosen[reached][lane] = from[reached][lane] = lane_from[reached][lane] = 0;
                for (int way = 0; way < 2; way++) {
                    Candidate with = by[paths.quantiser[m][lane][way]][paths.parity[m][lane][way]];
                    if (!with.size)
                        continue;
                    int before = paths.from[m][lane][way];
                    float here = least[with.size][before] + with.gain;
                    if (here < best) {
                        best = here;
                        chosen[reached][lane] = (int16_t)with.level;
                        from[reached][lane] = (int8_t)origin[with.size][before];
                        lane_from[reached][lane] = (int8_t)before;
                    }
                }
                cost[reached][lane] = best;
            }
            Costs here = *(Costs *)cost[reached], before = lowest[reached - 1];
            Lanes less = here < before;
            lowest[reached] = (Costs)(((Lanes)here & less) | ((Lanes)before & ~less));
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
            int at = ZIGZAG[place[last]];
            levels[at] = scaled[at] < 0 ? -chosen[last][lane] : chosen[last][lane];
            int before = lane_from[last][lane];
            last = from[last][lane];
            lane = before;
        }
        float mean = scaled[0] > LIMIT ? LIMIT : scaled[0] < -LIMIT ? -LIMIT : scaled[0];
        levels[0] = (int16_t)(int32_t)(mean + ROUNDER - ROUNDER);
    }
    return 0;
}
