/* Levels weighed by what they cost in JPEG XL: isp/jxl_trellis.py, block by block. */
#include "core.h"
#include "dependent.h"
#include <math.h>
#include <string.h>

#define BAND 6
#define WIDTH (2 * BAND + 1)
#define CLASSES 15
#define SMALL 8
#define FEW 4
#define LIMIT 1023
#define UNREACHED 1e9f
#define ROUNDER 12582912.0f

typedef float Lanes __attribute__((vector_size(32))); /* by state */
typedef int32_t Choice __attribute__((vector_size(32)));

static inline Lanes either(Choice mask, Lanes a, Lanes b) { return (Lanes)(((Choice)a & mask) | ((Choice)b & ~mask)); }

/* Costs of the states that follow each state after an even level, and after an odd one: `next_state` of 0 to 7. */
#define AFTER_EVEN(v) ((Lanes){(v)[0], (v)[3], (v)[5], (v)[6], (v)[1], (v)[2], (v)[4], (v)[7]})
#define AFTER_ODD(v) ((Lanes){(v)[1], (v)[2], (v)[4], (v)[7], (v)[0], (v)[3], (v)[5], (v)[6]})
/* By quantiser, which the lowest bit of the state is. */
#define BY_QUANTISER(a, b) ((Lanes){a, b, a, b, a, b, a, b})

typedef struct {
    int level[2], kind[2][2]; /* the lower of either quantiser; classes by quantiser and parity */
    Lanes gain[2];            /* by parity, in bits */
} Candidates;

static inline int class_of(int level) { return level < SMALL ? level : SMALL + bit_length((unsigned)level) - 4; }

static inline void find(Candidates *c, float magnitude, float worth, const float *offsets, const float *centroids)
{
    float gain[2][2];
    for (int quantiser = 0; quantiser < 2; quantiser++) {
        int below = (int)floorf(magnitude - offsets[quantiser]);
        c->level[quantiser] = below;
        for (int level = below; level <= below + 1; level++) {
            int parity = level & 1, valid = level >= 1 && level <= LIMIT, third = level < 2 ? 0 : level < 3 ? 1 : 2;
            float error = magnitude - ((float)level + offsets[quantiser]) - centroids[3 * quantiser + third];
            gain[parity][quantiser] = valid ? (error * error - magnitude * magnitude) * worth : UNREACHED;
            c->kind[quantiser][parity] = valid ? class_of(level) : 1;
        }
    }
    c->gain[0] = BY_QUANTISER(gain[0][0], gain[0][1]);
    c->gain[1] = BY_QUANTISER(gain[1][0], gain[1][1]);
}

/* (count, 64) coefficients in steps, levels of the pass before, contexts of numbers of levels, and what a squared step is worth
 * in bits -> levels, natural order. order: (64,); bits: (contexts, CLASSES); number_bits: (37, 64); context: (64, 64) by how many
 * levels are left and place; offsets (2,) and centroids (2, 3) of the quantisers. */
EXPORT int64_t core_jxl_trellis(const float *scaled, const int16_t *before, const uint8_t *kinds, const float *worth,
                                int64_t count, const int32_t *order, const float *bits, const float *number_bits,
                                const int32_t *context, const float *offsets, const float *centroids, float least,
                                int16_t *levels)
{
    const Lanes none = (Lanes){0}, unreached = none + UNREACHED;
    Choice chosen[64][WIDTH][2]; /* 0: zero, 1 + parity of the level else */
    for (int64_t block = 0; block < count; block++, scaled += 64, before += 64, levels += 64) {
        Lanes costs[2][WIDTH + 2][2]; /* by number of levels left, less those of the pass before; whether one was before */
        Lanes(*behind)[2] = costs[0], (*here)[2] = costs[1];
        Candidates at[64];
        int left_before[65] = {0};
        for (int i = 0; i < WIDTH + 2; i++)
            behind[i][0] = behind[i][1] = unreached;
        behind[BAND + 1][0] = behind[BAND + 1][1] = none;
        here[0][0] = here[0][1] = here[WIDTH + 1][0] = here[WIDTH + 1][1] = unreached;
        for (int k = 63; k > 0; k--) {
            float magnitude = fabsf(scaled[order[k]]);
            int open = magnitude >= least, there = before[order[k]] != 0;
            left_before[k] = left_before[k + 1] + there;
            if (open)
                find(&at[k], magnitude > LIMIT ? LIMIT : magnitude, worth[block], offsets, centroids);
            for (int i = 1; i <= WIDTH; i++) {
                int left = left_before[k] + i - 1 - BAND;
                if (left <= 0 || left > 64 - k) {
                    here[i][0] = here[i][1] = left ? unreached : none;
                    continue;
                }
                const float *asked = bits + CLASSES * context[64 * left + k];
                Lanes zero = AFTER_EVEN(behind[i + there][0]), level = behind[i + there - 1][1], even = none, odd = none;
                if (open)
                    even = AFTER_EVEN(level) + at[k].gain[0], odd = AFTER_ODD(level) + at[k].gain[1];
                for (int p = 0; p < 2; p++, asked += CLASSES) {
                    Lanes best = zero + asked[0];
                    Choice choice = (Choice){0};
                    if (open) {
                        int(*kind)[2] = at[k].kind;
                        Lanes total = even + BY_QUANTISER(asked[kind[0][0]], asked[kind[1][0]]);
                        Choice better = total < best;
                        best = either(better, total, best), choice = better & 1;
                        total = odd + BY_QUANTISER(asked[kind[0][1]], asked[kind[1][1]]);
                        better = total < best;
                        best = either(better, total, best), choice = (choice & ~better) | (better & 2);
                    }
                    here[i][p] = best;
                    chosen[k][i - 1][p] = choice;
                }
            }
            Lanes(*swapped)[2] = behind;
            behind = here, here = swapped;
            here[0][0] = here[0][1] = here[WIDTH + 1][0] = here[WIDTH + 1][1] = unreached;
        }
        int left = 0;
        float lowest = INFINITY;
        for (int i = 1; i <= WIDTH; i++) {
            int number = left_before[1] + i - 1 - BAND, valid = number >= 0 && number <= 63;
            float total = valid ? behind[i][number <= FEW][0] + number_bits[64 * kinds[block] + number] : UNREACHED;
            if (total < lowest)
                lowest = total, left = number;
        }
        memset(levels, 0, 64 * sizeof *levels);
        for (int k = 1, state = 0, one_before = left <= FEW; k < 64 && left > 0; k++) {
            int choice = chosen[k][left - left_before[k] + BAND][one_before][state], level = 0;
            if (choice) {
                level = at[k].level[state & 1];
                level += (level ^ (choice - 1)) & 1;
            }
            levels[order[k]] = (int16_t)(scaled[order[k]] < 0 ? -level : level);
            state = next_state(state, level);
            one_before = level != 0;
            left -= one_before;
        }
        float mean = scaled[0] > LIMIT ? LIMIT : scaled[0] < -LIMIT ? -LIMIT : scaled[0];
        levels[0] = (int16_t)(int32_t)(mean + ROUNDER - ROUNDER);
    }
    return 0;
}
