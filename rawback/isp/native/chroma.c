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

/* Green at `centre`, less itself: the mean of two greens and a quarter of the centre's curvature. For the cells of a row but
 * the outermost. */
static void green_less(const float *green, const float *beside, const float *centre, const float *before, const float *behind,
                       int wide, float *restrict less)
{
    for (int x = 1; x < wide - 1; x++)
        less[x] = (green[x] - centre[x] + beside[x] - (behind[x] + before[x]) * 0.5f) * 0.5f;
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
    for (int y = 1; y < high - 1; y++) {
        green_less(beside[y], beside[y] - 1, red[y], red[y] - 1, red[y] + 1, wide, by_row[0][y]);
        green_less(below[y], below[y] + 1, blue[y], blue[y] - 1, blue[y] + 1, wide, by_row[1][y]);
        green_less(below[y], below[y - 1], red[y], red[y - 1], red[y + 1], wide, by_column[0][y]);
        green_less(beside[y], beside[y + 1], blue[y], blue[y - 1], blue[y + 1], wide, by_column[1][y]);
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

/* The codes of R, G and B at the photosites of a row of cells: code[3 * photosite + colour]. */
static void coded(const Picture *of, int y, int wide, Line *cells[4], Line *less[2], Line code[12])
{
    const float *restrict codes = of->codes, last = (float)(of->entries - 1), zero = of->zero;
    const float *restrict red0 = less[0][y], *restrict red1 = less[0][y + 1];
    const float *restrict blue0 = less[1][y], *restrict blue1 = less[1][y - 1];
    Line red[4], blue[4], green[4];
    for (int x = MARGIN; x < wide - MARGIN; x++) {
        float red01 = red0[x] + red0[x + 1], blue10 = blue0[x] + blue0[x - 1];
        red[0][x] = red0[x];
        red[1][x] = red01 * 0.5f;
        red[2][x] = (red0[x] + red1[x]) * 0.5f;
        red[3][x] = (red1[x] + red1[x + 1] + red01) * 0.25f;
        blue[0][x] = (blue1[x] + blue1[x - 1] + blue10) * 0.25f;
        blue[1][x] = (blue0[x] + blue1[x]) * 0.5f;
        blue[2][x] = blue10 * 0.5f;
        blue[3][x] = blue0[x];
    }
    for (int n = 0; n < 4; n++) {
        const float *restrict cell = cells[n][y];
        for (int x = MARGIN; x < wide - MARGIN; x++)
            green[n][x] = n == 0 ? cell[x] + red[0][x] : n == 3 ? cell[x] + blue[3][x] : cell[x];
    }
    for (int n = 0; n < 4; n++)
        for (int c = 0; c < 3; c++) {
            const float *restrict g = green[n], *restrict r = red[n], *restrict b = blue[n];
            const float by_g = of->matrix[3 * c], by_r = of->matrix[3 * c + 1], by_b = of->matrix[3 * c + 2];
            float *restrict to = code[3 * n + c];
            for (int x = MARGIN; x < wide - MARGIN; x++) {
                float at = g[x] * by_g + r[x] * by_r + b[x] * by_b + zero;
                at = at < 0 ? 0 : at;
                to[x] = codes[(int32_t)(at > last ? last : at)];
            }
        }
}

/* Means of Cb and Cr of a row of cells, out[c] (2 / v rows, 2 / h columns for each cell). */
static void means(const Picture *of, int wide, Line code[12], float *out, int64_t plane, int64_t stride)
{
    const int by_h = of->h == 2, by_v = of->v == 2;
    for (int row = 0; row < (by_v ? 1 : 2); row++)
        for (int column = 0; column < (by_h ? 1 : 2); column++) {
            Line rgb[3];
            for (int c = 0; c < 3; c++) {
                const float *first = code[3 * (2 * row + column) + c], *second = code[3 * (2 * row + 1) + c];
                const float *below_first = code[3 * (2 + column) + c], *below_second = code[3 * 3 + c];
                for (int x = MARGIN; x < wide - MARGIN; x++) {
                    float left = by_v ? first[x] + below_first[x] : first[x];
                    rgb[c][x] = by_h ? left + (by_v ? second[x] + below_second[x] : second[x]) : left;
                }
            }
            for (int c = 0; c < 2; c++) {
                const float *by = of->to_chroma + 3 * c;
                float *to = out + c * plane + row * stride + column;
                int apart = by_h ? 1 : 2;
                for (int x = MARGIN; x < wide - MARGIN; x++)
                    to[apart * (x - MARGIN)] = rgb[0][x] * by[0] + rgb[1][x] * by[1] + rgb[2][x] * by[2];
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
        for (int64_t y = 0; y < rows; y++) {
            Line code[12];
            coded(&tile, (int)y + MARGIN, wide, cells, by_row, code);
            means(&tile, wide, code, out + 2 * y / picture->v * stride + 2 * left / picture->h, plane, stride);
        }
    }
    free(scratch);
    return 0;
}
