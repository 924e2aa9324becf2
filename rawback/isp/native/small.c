/* Pictures at half of their size: isp/small_dct.py. */
#include "planes.h"

#define LONG 0.923879533f
#define SHORT 0.382683433f
#define HALF 0.707106781f

typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));

/* (m, n, 64) levels -> (4m, 4n) means of 2 x 2 samples. */
EXPORT int64_t core_quarters(const int16_t *levels, int64_t m, int64_t n, const float *factors, float *plane)
{
    for (int64_t row = 0; row < m; row++)
        for (int64_t column = 0; column < n; column++, levels += 64) {
            float values[64], turned[8][4];
            for (int i = 0; i < 64; i++)
                values[i] = (float)levels[i] * factors[i];
            const Row *x = (const Row *)values;
            Row first = x[1] + x[7], second = (x[2] + x[6]) * HALF, third = x[3] + x[5];
            Row even0 = x[0] + second, even1 = x[0] - second;
            Row odd0 = first * LONG + third * SHORT, odd1 = first * SHORT - third * LONG;
            Row down[4] = {even0 + odd0, even1 + odd1, even1 - odd1, even0 - odd0};
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 8; j++)
                    turned[j][i] = down[i][j];
            const Four *t = (const Four *)turned;
            Four one = t[1] + t[7], two = (t[2] + t[6]) * HALF, three = t[3] + t[5];
            Four whole0 = t[0] + two, whole1 = t[0] - two;
            Four half0 = one * LONG + three * SHORT, half1 = one * SHORT - three * LONG;
            Four across[4] = {whole0 + half0, whole1 + half1, whole1 - half1, whole0 - half0};
            float *out = plane + 4 * (row * 4 * n + column);
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++)
                    out[i * 4 * n + j] = across[j][i];
        }
    return 0;
}

static inline float held(float value, float low, float high)
{
    value = value < low ? low : value;
    return value > high ? high : value;
}

/* Y (rows, columns), Cb and Cr (rows / v, wide) -> (3, rows, columns) as viewers show them. */
EXPORT int64_t core_clamped(const float *luma, const float *blues, const float *reds, int64_t rows, int64_t columns, int64_t wide,
                            int64_t v, int64_t h, float *out)
{
    int64_t size = rows * columns;
    for (int64_t row = 0; row < rows; row++) {
        const float *cb = blues + row / v * wide, *cr = reds + row / v * wide;
        for (int64_t left = 0; left < columns; left += 256) {
            float by_blue[256], by_red[256];
            int count = (int)(columns - left < 256 ? columns - left : 256);
            for (int x = 0; x < count; x++) {
                int64_t at = (left + x) / h;
                by_blue[x] = cb[at], by_red[x] = cr[at];
            }
            const float *restrict from = luma + row * columns + left;
            float *restrict to = out + row * columns + left;
            for (int x = 0; x < count; x++) {
                float y = held(from[x] + 128.0f, 0, 255), b = held(by_blue[x], -128, 127), r = held(by_red[x], -128, 127);
                float red = held(y + r * 1.402f, 0, 255), blue = held(y + b * 1.772f, 0, 255);
                float green = held(y + b * -0.344136286f + r * -0.714136286f, 0, 255);
                float mixed = red * 0.299f + green * 0.587f + blue * 0.114f;
                to[x] = mixed;
                to[size + x] = (blue - mixed) * (float)(0.5 / 0.886) + 128.0f;
                to[2 * size + x] = (red - mixed) * (float)(0.5 / 0.701) + 128.0f;
            }
        }
    }
    return 0;
}
