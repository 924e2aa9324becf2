/* Chroma of a Bayer mosaic: isp/chroma.py and isp/bayer.py in tiles of cells that stay in the cache. */
#include "core.h"
#include <math.h>
#include <stdlib.h>

#define MARGIN 4  /* cells around the wanted ones */
#define ACROSS 96 /* cells of a tile */
#define WIDE (ACROSS + 2 * MARGIN)

typedef struct {
    const uint16_t *mosaic; /* from MARGIN cells before the first wanted one on, red first */
    int64_t stride;
    const float *scale, *bias; /* (2, 2) each */
    float white_at;
    const float *matrix; /* (3, 3): green, and what red and blue are less, to entries of the table */
    float zero;          /* the entry of no light, and a half */
    const float *codes;
    int64_t entries;
    const float *to_chroma; /* (2, 3), of a mean */
    int64_t v, h;
} Picture;

typedef float Line[WIDE];

/* Green at `centre`, less itself: the mean of two greens and a quarter of the centre's curvature. */
static inline float green_less(float green, float beside, float centre, float before, float behind)
{
    return (green - centre + beside - (behind + before) * 0.5f) * 0.5f;
}

/* Balanced samples by photosite of the cells: four planes of (high, WIDE). */
static void balanced(const Picture *of, int high, int wide, Line *cells[4])
{
    for (int n = 0; n < 4; n++)
        for (int y = 0; y < high; y++) {
            const uint16_t *from = of->mosaic + (2 * y + n / 2) * of->stride + n % 2;
            for (int x = 0; x < wide; x++) {
                float sample = (float)from[2 * x] * of->scale[n] + of->bias[n];
                cells[n][y][x] = sample > of->white_at ? of->white_at : sample;
            }
        }
}

/* Green less red and green less blue, along rows and columns: from cell (1, 1) on. */
static void differences(int high, int wide, Line *cells[4], Line *by_row[2], Line *by_column[2])
{
    Line *red = cells[0], *beside = cells[1], *below = cells[2], *blue = cells[3];
    for (int y = 1; y < high - 1; y++)
        for (int x = 1; x < wide - 1; x++) {
            by_row[0][y][x] = green_less(beside[y][x], beside[y][x - 1], red[y][x], red[y][x - 1], red[y][x + 1]);
            by_row[1][y][x] = green_less(below[y][x], below[y][x + 1], blue[y][x], blue[y][x - 1], blue[y][x + 1]);
            by_column[0][y][x] = green_less(below[y][x], below[y - 1][x], red[y][x], red[y - 1][x], red[y + 1][x]);
            by_column[1][y][x] = green_less(beside[y][x], beside[y + 1][x], blue[y][x], blue[y - 1][x], blue[y + 1][x]);
        }
}

/* By the direction in which they change less in a star of cells; into by_row, from cell (2, 2) on. */
static void directed(int high, int wide, Line *by_row[2], Line *by_column[2], Line *rougher)
{
    for (int y = 1; y < high - 2; y++)
        for (int x = 1; x < wide - 2; x++) {
            float along = fabsf(by_row[0][y][x + 1] - by_row[0][y][x]) + fabsf(by_row[1][y][x + 1] - by_row[1][y][x]);
            float down = fabsf(by_column[0][y + 1][x] - by_column[0][y][x]) + fabsf(by_column[1][y + 1][x] - by_column[1][y][x]);
            rougher[y][x] = along - down;
        }
    for (int y = 2; y < high - 3; y++)
        for (int x = 2; x < wide - 3; x++) {
            float star = rougher[y][x] + rougher[y + 1][x] + rougher[y - 1][x] + rougher[y][x + 1] + rougher[y][x - 1];
            by_row[0][y][x] = star > 0 ? by_column[0][y][x] : by_row[0][y][x];
            by_row[1][y][x] = star > 0 ? by_column[1][y][x] : by_row[1][y][x];
        }
}

/* The codes of R, G and B at a photosite. */
static inline void codes_of(const Picture *of, float green, float red_less, float blue_less, float code[3])
{
    float last = (float)(of->entries - 1);
    for (int c = 0; c < 3; c++) {
        const float *row = of->matrix + 3 * c;
        float at = green * row[0] + red_less * row[1] + blue_less * row[2] + of->zero;
        at = at < 0 ? 0 : at;
        code[c] = of->codes[(int32_t)(at > last ? last : at)];
    }
}

/* Means of Cb and Cr of a row of cells, out[c] (2 / v rows, 2 / h columns for each cell). */
static void means(const Picture *of, int y, int wide, Line *cells[4], Line *less[2], float *out, int64_t plane, int64_t stride)
{
    const int by_h = of->h == 2, by_v = of->v == 2;
    for (int x = MARGIN; x < wide - MARGIN; x++) {
        Line *r = less[0] + y, *b = less[1] + y;
        float red01 = r[0][x] + r[0][x + 1], blue10 = b[0][x] + b[0][x - 1];
        float red[4] = {r[0][x], red01 * 0.5f, (r[0][x] + r[1][x]) * 0.5f, (r[1][x] + r[1][x + 1] + red01) * 0.25f};
        float blue[4] = {(b[-1][x] + b[-1][x - 1] + blue10) * 0.25f, (b[0][x] + b[-1][x]) * 0.5f, blue10 * 0.5f, b[0][x]};
        float green[4] = {cells[0][y][x] + red[0], cells[1][y][x], cells[2][y][x], cells[3][y][x] + blue[3]};
        float code[4][3];
        for (int n = 0; n < 4; n++)
            codes_of(of, green[n], red[n], blue[n], code[n]);
        for (int row = 0; row < (by_v ? 1 : 2); row++)
            for (int column = 0; column < (by_h ? 1 : 2); column++) {
                float rgb[3];
                for (int c = 0; c < 3; c++) {
                    float left = by_v ? code[column][c] + code[2 + column][c] : code[2 * row + column][c];
                    rgb[c] = by_h ? left + (by_v ? code[1][c] + code[3][c] : code[2 * row + 1][c]) : left;
                }
                for (int c = 0; c < 2; c++) {
                    const float *by = of->to_chroma + 3 * c;
                    int64_t at = row * stride + (by_h ? x - MARGIN : 2 * (x - MARGIN) + column);
                    out[c * plane + at] = rgb[0] * by[0] + rgb[1] * by[1] + rgb[2] * by[2];
                }
            }
    }
}

/* Rows and columns of cells -> out (2, 2 rows / v, 2 columns / h). */
EXPORT int64_t core_chroma(const Picture *picture, int64_t rows, int64_t columns, float *out)
{
    int high = (int)rows + 2 * MARGIN;
    Line *scratch = malloc(sizeof(Line) * (size_t)(9 * high));
    if (!scratch)
        return -1;
    Line *cells[4], *by_row[2], *by_column[2], *rougher = scratch + 8 * high;
    for (int n = 0; n < 4; n++)
        cells[n] = scratch + n * high;
    for (int n = 0; n < 2; n++)
        by_row[n] = scratch + (4 + n) * high, by_column[n] = scratch + (6 + n) * high;
    int64_t stride = 2 * columns / picture->h, plane = 2 * rows / picture->v * stride;
    for (int64_t left = 0; left < columns; left += ACROSS) {
        int wide = (int)(columns - left < ACROSS ? columns - left : ACROSS) + 2 * MARGIN;
        Picture tile = *picture;
        tile.mosaic += 2 * left;
        balanced(&tile, high, wide, cells);
        differences(high, wide, cells, by_row, by_column);
        directed(high, wide, by_row, by_column, rougher);
        for (int64_t y = 0; y < rows; y++)
            means(&tile, (int)y + MARGIN, wide, cells, by_row, out + 2 * y / picture->v * stride + 2 * left / picture->h, plane, stride);
    }
    free(scratch);
    return 0;
}
