/* Cells of pixels: their means (isp/dct.py's `shrink`), and planes made of them (isp/dct.py's `laid_out`). */
#include "core.h"

/* (2 rows, 2 columns) -> means of cells of 2 x 2. */
EXPORT int64_t core_shrink(const float *plane, int64_t rows, int64_t columns, float *out)
{
    for (int64_t y = 0; y < rows; y++, plane += 4 * columns, out += columns)
        for (int64_t x = 0; x < columns; x++) {
            float upper = 0.0f + plane[2 * x] + plane[2 * x + 1];
            out[x] = (upper + plane[2 * columns + 2 * x] + plane[2 * columns + 2 * x + 1]) * 0.25f;
        }
    return 0;
}

static void interleave(const float *const *from, int64_t n, int64_t columns, float *restrict out)
{
    for (int64_t j = 0; j < n; j++) {
        const float *samples = from[j];
        for (int64_t x = 0; x < columns; x++)
            out[n * x + j] = samples[x];
    }
}

static void interleave4(const float *restrict a, const float *restrict b, const float *restrict c, const float *restrict d,
                        int64_t columns, float *restrict out)
{
    for (int64_t x = 0; x < columns; x++) {
        out[4 * x] = a[x];
        out[4 * x + 1] = b[x];
        out[4 * x + 2] = c[x];
        out[4 * x + 3] = d[x];
    }
}

/* n x n samples of cells, n at most 4, as planes (n n, rows, columns) -> (n rows, n columns). */
EXPORT int64_t core_lay_out(const float *cells, int64_t n, int64_t rows, int64_t columns, float *out)
{
    int64_t plane = rows * columns;
    for (int64_t y = 0; y < rows; y++, cells += columns)
        for (int64_t i = 0; i < n; i++, out += n * columns) {
            const float *from[4];
            for (int64_t j = 0; j < n; j++)
                from[j] = cells + (i * n + j) * plane;
            if (n == 4)
                interleave4(from[0], from[1], from[2], from[3], columns, out);
            else
                interleave(from, n, columns, out);
        }
    return 0;
}
