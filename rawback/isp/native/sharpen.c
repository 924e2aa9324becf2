/* What upsampling will blur, sharpened beforehand: isp/chroma.py's `sharpened`. */
#include "core.h"
#include <stdlib.h>

/* What is left of a line after it is made large and small again: 1/8, 3/4, 1/8, the ends repeated; in the order of the sums
 * there. Its samples lie side by side, as do those of its neighbours. */
static void blur_down(const float *plane, int64_t rows, int64_t columns, int64_t y, float *restrict out)
{
    const float *line = plane + y * columns, *first = y ? line - columns : line + columns, *second = y ? line + columns : line;
    if (y == rows - 1)
        second = line;
    if (rows == 1)
        first = line;
    for (int64_t x = 0; x < columns; x++)
        out[x] = line[x] * 0.75f + first[x] * 0.125f + second[x] * 0.125f;
}

static void blur_across(const float *line, int64_t columns, float *restrict out)
{
    for (int64_t x = 1; x < columns - 1; x++)
        out[x] = line[x] * 0.75f + line[x - 1] * 0.125f + line[x + 1] * 0.125f;
    int64_t last = columns - 1;
    out[0] = line[0] * 0.75f + line[last ? 1 : 0] * 0.125f + line[0] * 0.125f;
    if (last)
        out[last] = line[last] * 0.75f + line[last - 1] * 0.125f + line[last] * 0.125f;
}

/* (rows, columns) -> twice it, less its blur along the axes that are subsampled by 2. */
EXPORT int64_t core_sharpen(const float *plane, int64_t rows, int64_t columns, int64_t v, int64_t h, float *out)
{
    float *scratch = malloc(sizeof(float) * (size_t)(2 * columns));
    if (!scratch)
        return -1;
    for (int64_t y = 0; y < rows; y++) {
        const float *line = plane + y * columns, *blurred = line;
        float *to = out + y * columns;
        if (v == 2) {
            blur_down(plane, rows, columns, y, scratch);
            blurred = scratch;
        }
        if (h == 2) {
            blur_across(blurred, columns, scratch + columns);
            blurred = scratch + columns;
        }
        for (int64_t x = 0; x < columns; x++)
            to[x] = 2 * line[x] - blurred[x];
    }
    free(scratch);
    return 0;
}
