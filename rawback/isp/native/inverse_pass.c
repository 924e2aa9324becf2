/* Levels -> mosaic: isp/fixed_pass.py in one pass over rows of blocks. */
#include "planes.h"
#include <stdlib.h>

static float beside_edge(const float *line, int64_t last, int64_t x)
{
    int64_t at = x >> 1, beside = at + (x & 1 ? 1 : -1);
    return line[at] * 0.75f + line[beside < 0 ? 0 : beside > last ? last : beside] * 0.25f;
}

void grow_row(const float *small, int64_t rows, int64_t columns, int v, int h, int64_t y, int64_t width, float *line, float *out)
{
    const float *near = small + (v == 2 ? y >> 1 : y) * columns;
    if (v == 2) {
        int64_t beside = (y >> 1) + (y & 1 ? 1 : -1);
        const float *far = small + (beside < 0 ? 0 : beside >= rows ? rows - 1 : beside) * columns;
        for (int64_t x = 0; x < columns; x++)
            line[x] = near[x] * 0.75f + far[x] * 0.25f;
        near = line;
    }
    if (h == 1) {
        for (int64_t x = 0; x < width; x++)
            out[x] = near[x];
        return;
    }
    int64_t last = columns - 1, end = width / 2 < last ? width / 2 : last;
    for (int64_t x = 1; x < end; x++) {
        float middle = near[x] * 0.75f;
        out[2 * x] = middle + near[x - 1] * 0.25f;
        out[2 * x + 1] = middle + near[x + 1] * 0.25f;
    }
    for (int64_t x = 0; x < 2 && x < width; x++)
        out[x] = beside_edge(near, last, x);
    for (int64_t x = end > 1 ? 2 * end : 2; x < width; x++)
        out[x] = beside_edge(near, last, x);
}

/* Rows of a plane made large, from row `offset` on. */
EXPORT int64_t core_grow(const float *small, int64_t rows, int64_t columns, int64_t v, int64_t h, int64_t offset, int64_t count,
                         int64_t width, float *out)
{
    float *line = malloc(sizeof(float) * (size_t)columns);
    if (!line)
        return -1;
    for (int64_t y = 0; y < count; y++)
        grow_row(small, rows, columns, (int)v, (int)h, offset + y, width, line, out + y * width);
    free(line);
    return 0;
}

typedef struct {
    const float *forms; /* (3, 2): what Cb and Cr add to R, G, B */
    const float *light, *rise;
    int32_t last; /* entry of the table */
    int32_t white;
} Decoder;

/* A row of photosites. weights: (4, width), `apart` floats from one to the next. */
static void photosites(const Decoder *by, const float *restrict luma, const float *restrict cb, const float *restrict cr,
                       const float *restrict weights, int64_t apart, int64_t width, uint16_t *restrict out)
{
    const float *restrict light = by->light, *restrict rise = by->rise;
    const float *f = by->forms, last = (float)by->last, white = (float)by->white;
    const float r_cb = f[0], r_cr = f[1], g_cb = f[2], g_cr = f[3], b_cb = f[4], b_cr = f[5];
    const float *restrict red = weights, *restrict green = weights + apart, *restrict blue = weights + 2 * apart,
                *restrict bias = weights + 3 * apart;
    for (int64_t x = 0; x < width; x++) {
        float r = cb[x] * r_cb + cr[x] * r_cr + luma[x];
        float g = cb[x] * g_cb + cr[x] * g_cr + luma[x];
        float b = cb[x] * b_cb + cr[x] * b_cr + luma[x];
        float r_held = r < 0 ? 0 : r, g_held = g < 0 ? 0 : g, b_held = b < 0 ? 0 : b;
        int32_t r_at = (int32_t)(r_held > last ? last : r_held);
        int32_t g_at = (int32_t)(g_held > last ? last : g_held);
        int32_t b_at = (int32_t)(b_held > last ? last : b_held);
        r = ((r - (float)r_at) * rise[r_at] + light[r_at]) * red[x];
        g = ((g - (float)g_at) * rise[g_at] + light[g_at]) * green[x];
        b = ((b - (float)b_at) * rise[b_at] + light[b_at]) * blue[x];
        float dn = r + g + b + bias[x];
        dn = dn < 0 ? 0 : dn;
        dn = dn > white ? white : dn;
        out[x] = (uint16_t)(int32_t)(dn + 8388608.0f - 8388608.0f); /* rounds halves to even, as rint does */
    }
}

/* `rows` rows of a mosaic from a row of blocks on. small_cb, small_cr: (small_rows, columns) chroma as it is coded, in which
 * the first row lies `offset` rows (of luma) deep. weights: (4, period, width) from the first row's on. */
EXPORT int64_t core_inverse_pass(const int16_t *levels, int64_t blocks, const float *factors, const float *answers, int64_t reach,
                                 int64_t dependent, float zero, const float *small_cb, const float *small_cr, int64_t small_rows, int64_t columns,
                                 int64_t v, int64_t h, int64_t offset, const float *forms, const float *light, const float *rise,
                                 int64_t entries, const float *weights, int64_t period, int64_t white, int64_t rows,
                                 int64_t width, uint16_t *out)
{
    Dequantiser by = {factors, answers, reach, (int)dependent};
    Decoder decoder = {forms, light, rise, (int32_t)entries - 1, (int32_t)white};
    int64_t stride = 8 * blocks;
    float *luma = malloc(sizeof(float) * (size_t)(8 * stride + columns + 2 * width));
    if (!luma)
        return -1;
    float *line = luma + 8 * stride, *cb = line + columns, *cr = cb + width;
    for (int64_t y = 0; y < rows; y++) {
        if (!(y & 7))
            for (int64_t block = 0; block < blocks; block++)
                block_to_samples(levels + 64 * ((y >> 3) * blocks + block), &by, zero, luma + 8 * block, stride);
        grow_row(small_cb, small_rows, columns, (int)v, (int)h, offset + y, width, line, cb);
        grow_row(small_cr, small_rows, columns, (int)v, (int)h, offset + y, width, line, cr);
        photosites(&decoder, luma + (y & 7) * stride, cb, cr, weights + y % period * width, period * width, width, out + y * width);
    }
    free(luma);
    return 0;
}
