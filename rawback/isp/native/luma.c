/* The luma that photosites need: isp/luma.py, by tiles of columns whose pattern stays in the cache. */
#include "core.h"
#include <math.h>

#define TILE 512

typedef struct {
    const float *codes, *bends, *per_slope; /* by DN */
    const float *light, *slope;             /* by entry */
    int32_t last_dn, last_entry;
    float low;                              /* the first entry, in entries */
    float offsets[6];                       /* (3, 2): what blue and red add in R, G, B */
    float longest, least, most, near, flattest;
    int far_steps;
} Tables;

/* What differs from column to column of a row, as luma._Pattern has it. */
typedef struct {
    const int32_t *first;
    const float *scale, *bias, *red, *green, *blue, *mean_blue, *mean_red, *spread0, *spread1, *spread2;
} Columns;

static inline float held(float value, float low, float high)
{
    value = value < low ? low : value;
    return value > high ? high : value;
}

static inline int32_t entry(const Tables *by, float at)
{
    return (int32_t)held(at - by->low, 0, (float)by->last_entry);
}

static void first_step(const Tables *by, const uint16_t *restrict dn, const float *restrict blue, const float *restrict red,
                       const Columns *of, int count, float *restrict luma, float *restrict step)
{
    const float *restrict light = by->light;
    for (int x = 0; x < count; x++) {
        int32_t at = (int32_t)dn[x] + of->first[x];
        at = at > by->last_dn ? by->last_dn : at;
        float spread = (blue[x] * of->spread0[x] + red[x] * of->spread1[x]) * blue[x] + red[x] * of->spread2[x] * red[x];
        spread = held(spread * by->bends[at], -by->longest, by->longest);
        float y = by->codes[at] - spread - blue[x] * of->mean_blue[x] - red[x] * of->mean_red[x];
        y = held(y, by->least, by->most);
        float missing = (float)dn[x] * of->scale[x] + of->bias[x];
        missing -= light[entry(by, y + (blue[x] * by->offsets[0] + red[x] * by->offsets[1]))] * of->red[x];
        missing -= light[entry(by, y + (blue[x] * by->offsets[2] + red[x] * by->offsets[3]))] * of->green[x];
        missing -= light[entry(by, y + (blue[x] * by->offsets[4] + red[x] * by->offsets[5]))] * of->blue[x];
        float taken = held(by->per_slope[at] * missing, -by->longest, by->longest);
        step[x] = taken;
        luma[x] = held(y + taken, by->least, by->most);
    }
}

/* Photosites of a row that the first step did not bring near, one beside the other. */
typedef struct {
    int place[TILE];
    float luma[TILE], target[TILE], offset[3][TILE], weight[3][TILE];
    int32_t going[TILE];
} Far;

/* A further step for each of `count` of them that is still going; whether any goes on. */
static int followed(const Tables *by, Far *of, int count)
{
    const float *restrict light = by->light, *restrict slopes = by->slope;
    int32_t any = 0;
    for (int i = 0; i < count; i++) {
        float missing = of->target[i], slope = 0;
        for (int c = 0; c < 3; c++) {
            int32_t at = entry(by, of->luma[i] + of->offset[c][i]);
            missing -= light[at] * of->weight[c][i];
            slope += slopes[at] * of->weight[c][i];
        }
        float step = held(missing / (slope < by->flattest ? by->flattest : slope), -by->longest, by->longest);
        float luma = held(of->luma[i] + step, by->least, by->most);
        of->luma[i] = of->going[i] ? luma : of->luma[i];
        of->going[i] &= fabsf(step) > by->near;
        any |= of->going[i];
    }
    return any;
}

/* Further steps for the photosites of a row that need them. */
static void follow(const Tables *by, const uint16_t *dn, const float *blue, const float *red, const Columns *columns, int width,
                   const float *step, float *luma, Far *of)
{
    const float *weights[3] = {columns->red, columns->green, columns->blue};
    int count = 0;
    for (int x = 0; x < width; x++) {
        of->place[count] = x;
        count += fabsf(step[x]) > by->near;
    }
    for (int i = 0; i < count; i++) {
        int x = of->place[i];
        of->luma[i] = luma[x];
        of->target[i] = (float)dn[x] * columns->scale[x] + columns->bias[x];
        of->going[i] = 1;
        for (int c = 0; c < 3; c++) {
            of->offset[c][i] = blue[x] * by->offsets[2 * c] + red[x] * by->offsets[2 * c + 1];
            of->weight[c][i] = weights[c][x];
        }
    }
    for (int n = 0; n < by->far_steps && followed(by, of, count); n++)
        ;
    for (int i = 0; i < count; i++)
        luma[of->place[i]] = of->luma[i];
}

/* Rows of the mosaic -> luma, (rows, width). first: (period, width); pattern: (10, period, width), as Columns has them; both
 * from the first row's on. */
EXPORT int64_t core_luma(const Tables *by, const uint16_t *dn, const float *blue, const float *red, int64_t rows, int64_t width,
                         int64_t period, const int32_t *first, const float *pattern, float *luma)
{
    float step[TILE];
    Far far;
    int64_t apart = period * width;
    for (int64_t left = 0; left < width; left += TILE) {
        int count = (int)(width - left < TILE ? width - left : TILE);
        for (int64_t y = 0; y < rows; y++) {
            const float *p = pattern + y % period * width + left;
            Columns of = {first + y % period * width + left, p, p + apart, p + 2 * apart, p + 3 * apart, p + 4 * apart,
                          p + 5 * apart, p + 6 * apart, p + 7 * apart, p + 8 * apart, p + 9 * apart};
            int64_t at = y * width + left;
            first_step(by, dn + at, blue + at, red + at, &of, count, luma + at, step);
            follow(by, dn + at, blue + at, red + at, &of, count, step, luma + at, &far);
        }
    }
    return 0;
}
