/* What a JPEG's levels foretell of a RAW, in integers: lossless/foretelling.py, with predictor.py and fixed_point.py.
 * Every bound that keeps sums within int32 is theirs. */
#include "core.h"
#include <stdlib.h>
#include <string.h>

#define LIMIT 1023
#define CLIP 65535
#define CODES 1024
#define FINE 64
#define SLOPES 65536
#define RANK_ENTRIES 65537
static const int32_t ODD[4][4] = {{4017, 3406, 2276, 799}, {3406, -799, -4017, -2276}, {2276, -4017, 799, 3406}, {799, -2276, 3406, -4017}};

typedef struct {
    const int16_t *levels; /* (rows, columns, 64) */
    int64_t rows, columns; /* blocks */
    const int32_t *table;  /* (64,) at most 255 */
    int32_t centroids[3];  /* sixteenths of a step */
} Plane;

typedef struct {
    Plane luma, cb, cr;
    int64_t v, h, width;
    const uint8_t *cfa;
    const int32_t *black;
    int64_t cfa_rows, cfa_columns;
    const int32_t *values; /* (3 channels, 3 colours, 16 * CODES) */
    const int32_t *slopes; /* (3 channels, 3 colours, CODES) */
    int32_t forms[6];      /* what Cb and Cr add to R, G, B */
    int32_t luma_zero, step, white, chroma_limit;
    const int32_t *sixteenths, *density; /* (3, 65537); NULL where rank is value */
    const uint8_t *class_of_slope;       /* (65536,) */
    const uint16_t *class_of_rank;       /* (65536,), and where it is NULL contexts are those of version 1 */
} Foretelling;

static inline int32_t within(int32_t x, int32_t low, int32_t high) { return x < low ? low : x > high ? high : x; }

/* One dimension of 8 columns at once, in place. */
static inline void idct(int32_t x[8][8], int shift, int32_t y[8][8])
{
    for (int i = 0; i < 8; i++) {
        int32_t outer = (x[0][i] + x[4][i]) * 2896 + (1 << (shift - 1)), inner = (x[0][i] - x[4][i]) * 2896 + (1 << (shift - 1));
        int32_t turn = x[2][i] * 3784 + x[6][i] * 1567, cross = x[2][i] * 1567 - x[6][i] * 3784;
        int32_t even[4] = {outer + turn, inner + cross, inner - cross, outer - turn};
        for (int n = 0; n < 4; n++) {
            int32_t odd = x[1][i] * ODD[0][n] + x[3][i] * ODD[1][n] + x[5][i] * ODD[2][n] + x[7][i] * ODD[3][n];
            y[n][i] = (even[n] + odd) >> shift;
            y[7 - n][i] = (even[n] - odd) >> shift;
        }
    }
}

/* A row of blocks -> 8 rows of samples in sixteenths, `stride` apart. */
static void samples_of(const Plane *of, int64_t row, int32_t *out, int64_t stride)
{
    const int16_t *levels = of->levels + 64 * of->columns * row;
    for (int64_t block = 0; block < of->columns; block++, levels += 64) {
        int32_t x[8][8], y[8][8];
        for (int k = 0; k < 64; k++) {
            int32_t level = within(levels[k], -LIMIT, LIMIT), size = level < 0 ? -level : level;
            int32_t shift = k && size ? of->centroids[size > 3 ? 2 : size - 1] : 0;
            int32_t value = (16 * level + (level < 0 ? -shift : shift)) * of->table[k];
            x[k >> 3][k & 7] = within(value, -CLIP, CLIP);
        }
        idct(x, 12, y);
        for (int i = 0; i < 8; i++)
            for (int k = 0; k < 8; k++)
                x[k][i] = within(y[i][k], -CLIP, CLIP);
        idct(x, 14, y);
        for (int i = 0; i < 8; i++)
            for (int k = 0; k < 8; k++)
                out[i * stride + 8 * block + k] = y[k][i];
    }
}

/* Rows first..last of blocks of a chroma plane, clipped: (8 * (last - first), 8 * columns). */
static void chroma_of(const Plane *of, int64_t first, int64_t last, int32_t limit, int32_t *out)
{
    int64_t stride = 8 * of->columns;
    for (int64_t row = first; row < last; row++, out += 8 * stride) {
        samples_of(of, row, out, stride);
        for (int64_t i = 0; i < 8 * stride; i++)
            out[i] = within(out[i], -limit, limit);
    }
}

/* A row of chroma made large, 16 times its samples. */
static void grown_row(const int32_t *small, int64_t rows, int64_t columns, int64_t v, int64_t h, int64_t y, int64_t width,
                      int32_t *line, int32_t *out)
{
    int64_t at = v == 2 ? y >> 1 : y, beside = v == 2 ? at + (y & 1 ? 1 : -1) : at;
    const int32_t *near = small + at * columns, *far = small + (beside < 0 ? 0 : beside >= rows ? rows - 1 : beside) * columns;
    for (int64_t x = 0; x < columns; x++)
        line[x + 1] = 3 * near[x] + far[x];
    line[0] = line[1], line[columns + 1] = line[columns];
    if (h == 1)
        for (int64_t x = 0; x < width; x++)
            out[x] = 4 * line[x + 1];
    else
        for (int64_t x = 0; x < width; x++)
            out[x] = 3 * line[(x >> 1) + 1] + line[(x >> 1) + (x & 1 ? 2 : 0)];
}

static void photosites(const Foretelling *by, int64_t y, const int32_t *restrict luma, const int32_t *restrict cb,
                       const int32_t *restrict cr, const uint8_t *restrict busy, int32_t *restrict rank, int8_t *restrict sign,
                       uint16_t *restrict context, int8_t *restrict colours)
{
    const uint8_t *cfa = by->cfa + y % by->cfa_rows * by->cfa_columns;
    const int32_t *black = by->black + y % by->cfa_rows * by->cfa_columns, *f = by->forms;
    for (int64_t x = 0, column = 0; x < by->width; x++, column = column + 1 == by->cfa_columns ? 0 : column + 1) {
        int32_t colour = cfa[column], value = black[column], slope = 0, b = cb[x] >> 2, r = cr[x] >> 2;
        for (int channel = 0; channel < 3; channel++) {
            int32_t code = within(((b * f[2 * channel] + r * f[2 * channel + 1]) >> 15) + luma[x] + by->luma_zero, 0, 16 * CODES - 1);
            value += by->values[(3 * channel + colour) * 16 * CODES + code];
            slope += by->slopes[(3 * channel + colour) * CODES + (code >> 4)];
        }
        value = within(value, 0, 16 * by->white);
        slope *= by->step;
        slope = slope < 1 ? 1 : slope;
        if (by->sixteenths) {
            const int32_t *line = by->sixteenths + colour * RANK_ENTRIES + (value >> 4);
            slope = (slope < SLOPES - 1 ? slope : SLOPES - 1) * by->density[colour * RANK_ENTRIES + (value >> 4)] >> 8;
            slope = slope < 1 ? 1 : slope;
            value = line[0] + ((line[1] - line[0]) * (value & 15) >> 4);
        }
        rank[x] = (value + 8) >> 4;
        int32_t rest = value - 16 * rank[x];
        sign[x] = rest < 0 ? -1 : 1;
        int side = slope < FINE && (rest > 3 || rest < -3), kind = by->class_of_slope[slope < SLOPES ? slope : SLOPES - 1];
        if (by->class_of_rank)
            context[x] = (uint16_t)(((by->class_of_rank[rank[x]] + colour) * 64 + kind) * 8 + 2 * busy[x >> 3] + side);
        else
            context[x] = (uint16_t)(128 * busy[x >> 3] + 64 * side + kind);
        colours[x] = (int8_t)colour;
    }
}

/* How busy luma is in each block of a row: 0..3. */
static void busy_of(const Plane *luma, int64_t row, uint8_t *busy)
{
    const int16_t *levels = luma->levels + 64 * luma->columns * row;
    for (int64_t block = 0; block < luma->columns; block++, levels += 64) {
        int count = 0;
        for (int k = 1; k < 64; k++)
            count += levels[k] != 0;
        busy[block] = (uint8_t)((count >= 1) + (count >= 4) + (count >= 10));
    }
}

/* Rows start..stop of the mosaic, the first of a row of MCUs: all (stop - start, width). -1: no memory. */
EXPORT int64_t core_foretell(const Foretelling *by, int64_t start, int64_t stop, int32_t *rank, int8_t *sign, uint16_t *context,
                             int8_t *colours)
{
    int64_t stride = 8 * by->luma.columns, columns = 8 * by->cb.columns, rows = 8 * by->v;
    int64_t first = start / rows - 1, last = (stop + rows - 1) / rows + 1;
    first = first < 0 ? 0 : first, last = last > by->cb.rows ? by->cb.rows : last;
    int64_t small = 8 * (last - first);
    int32_t *luma = malloc(sizeof(int32_t) * (size_t)(8 * stride + 2 * small * columns + columns + 2 + 2 * by->width));
    uint8_t *busy = malloc((size_t)by->luma.columns);
    if (luma && busy) {
        int32_t *cb = luma + 8 * stride, *cr = cb + small * columns, *line = cr + small * columns, *b = line + columns + 2,
                *r = b + by->width;
        chroma_of(&by->cb, first, last, by->chroma_limit, cb);
        chroma_of(&by->cr, first, last, by->chroma_limit, cr);
        for (int64_t y = start; y < stop; y++) {
            if (!(y & 7)) {
                samples_of(&by->luma, y >> 3, luma, stride);
                busy_of(&by->luma, y >> 3, busy);
            }
            int64_t at = (y - start) * by->width, grown = y - first * rows;
            grown_row(cb, small, columns, by->v, by->h, grown, by->width, line, b);
            grown_row(cr, small, columns, by->v, by->h, grown, by->width, line, r);
            photosites(by, y, luma + (y & 7) * stride, b, r, busy, rank + at, sign + at, context + at, colours + at);
        }
    }
    free(luma);
    int64_t done = luma && busy ? 0 : -1;
    free(busy);
    return done;
}
