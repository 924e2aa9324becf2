/* The DCT of isp/fixed_dct.py: each line there is a line here. */
#include "dependent.h"
#include "jpeg_scan.h"
#include "planes.h"

#define HALF 0.707106781f
#define QUARTER_TURN 1.414213562f
#define TURN 1.847759065f
#define OUTER 1.082392200f
#define INNER 2.613125930f
#define SMALL 0.382683433f
#define LESS 0.541196100f
#define MORE 1.306562965f

static inline void forward(Row x[8])
{
    Row sum0 = x[0] + x[7], sum1 = x[1] + x[6], sum2 = x[2] + x[5], sum3 = x[3] + x[4];
    Row rest0 = x[0] - x[7], rest1 = x[1] - x[6], rest2 = x[2] - x[5], rest3 = x[3] - x[4];
    Row even0 = sum0 + sum3, even1 = sum1 + sum2, turned0 = sum0 - sum3, turned1 = sum1 - sum2;
    x[0] = even0 + even1;
    x[4] = even0 - even1;
    Row both = (turned1 + turned0) * HALF;
    x[2] = turned0 + both;
    x[6] = turned0 - both;
    Row first = rest3 + rest2, second = rest2 + rest1, third = rest1 + rest0;
    Row common = (first - third) * SMALL;
    first = first * LESS + common;
    third = third * MORE + common;
    second = second * HALF;
    Row high = rest0 + second, low = rest0 - second;
    x[5] = low + first;
    x[3] = low - first;
    x[1] = high + third;
    x[7] = high - third;
}

static inline void inverse(Row x[8])
{
    Row outer = x[0] + x[4], inner = x[0] - x[4];
    Row turn = x[2] + x[6], cross = (x[2] - x[6]) * QUARTER_TURN - turn;
    Row b = x[5] + x[3], a = x[5] - x[3], c = x[1] + x[7], d = x[1] - x[7];
    Row first = c + b;
    c = (c - b) * QUARTER_TURN;
    Row common = (a + d) * TURN;
    Row second = common - a * INNER - first;
    Row third = c - second;
    Row fourth = common - d * OUTER - third;
    Row even0 = outer + turn, even1 = inner + cross, even2 = inner - cross, even3 = outer - turn;
    x[0] = even0 + first;
    x[7] = even0 - first;
    x[1] = even1 + second;
    x[6] = even1 - second;
    x[2] = even2 + third;
    x[5] = even2 - third;
    x[3] = even3 + fourth;
    x[4] = even3 - fourth;
}

static float answer(const Dequantiser *by, int quantiser, int level)
{
    int64_t last = 2 * by->reach, at = level + by->reach;
    return by->answers[quantiser * (last + 1) + (at < 0 ? 0 : at > last ? last : at)];
}

void block_to_samples(const int16_t *levels, const Dequantiser *by, float added, float *out, int64_t stride)
{
    float values[64];
    if (by->dependent) {
        for (int k = 1, state = 0; k < 64; k++) {
            int level = levels[ZIGZAG[k]];
            values[ZIGZAG[k]] = answer(by, state & 1, level);
            state = next_state(state, level);
        }
        values[0] = levels[0];
    } else if (by->answers) {
        for (int i = 1; i < 64; i++)
            values[i] = answer(by, 0, levels[i]);
        values[0] = levels[0];
    } else {
        for (int i = 0; i < 64; i++)
            values[i] = levels[i];
    }
    Row x[8];
    for (int i = 0; i < 8; i++)
        x[i] = *(Row *)(values + 8 * i) * *(const Row *)(by->factors + 8 * i);
    inverse(x);
    transpose(x);
    inverse(x);
    transpose(x);
    for (int i = 0; i < 8; i++)
        *(Row *)(out + i * stride) = x[i] + added;
}

/* (m, n, 64) levels -> (8m, 8n) samples. */
EXPORT int64_t core_inverse_dct(const int16_t *levels, int64_t m, int64_t n, const float *factors, const float *answers,
                                int64_t reach, int64_t dependent, float *plane)
{
    Dequantiser by = {factors, answers, reach, (int)dependent};
    for (int64_t row = 0; row < m; row++)
        for (int64_t column = 0; column < n; column++)
            block_to_samples(levels + 64 * (row * n + column), &by, 0, plane + 8 * (row * 8 * n + column), 8 * n);
    return 0;
}

/* (8m, 8n) samples -> (m, n, 64) coefficients, each times its factor. */
EXPORT int64_t core_forward(const float *plane, int64_t m, int64_t n, const float *factors, float *steps)
{
    for (int64_t row = 0; row < m; row++)
        for (int64_t column = 0; column < n; column++, steps += 64) {
            Row x[8];
            for (int i = 0; i < 8; i++)
                x[i] = *(const Row *)(plane + (row * 8 + i) * 8 * n + 8 * column);
            transpose(x);
            forward(x);
            transpose(x);
            forward(x);
            for (int i = 0; i < 8; i++)
                *(Row *)(steps + 8 * i) = x[i] * *(const Row *)(factors + 8 * i);
        }
    return 0;
}

/* (8m, 8n) samples -> those whose coefficients, in the unit of `to`, are at most `limit` from 0; `back` is the way back. */
EXPORT int64_t core_limited(const float *plane, int64_t m, int64_t n, const float *to, const float *back, float limit, float *out)
{
    for (int64_t row = 0; row < m; row++)
        for (int64_t column = 0; column < n; column++) {
            int64_t at = 8 * (row * 8 * n + column);
            Row x[8];
            for (int i = 0; i < 8; i++)
                x[i] = *(const Row *)(plane + at + i * 8 * n);
            transpose(x);
            forward(x);
            transpose(x);
            forward(x);
            for (int i = 0; i < 8; i++) {
                x[i] *= *(const Row *)(to + 8 * i);
                for (int j = 0; j < 8; j++)
                    x[i][j] = x[i][j] < -limit ? -limit : x[i][j] > limit ? limit : x[i][j];
                x[i] *= *(const Row *)(back + 8 * i);
            }
            inverse(x);
            transpose(x);
            inverse(x);
            transpose(x);
            for (int i = 0; i < 8; i++)
                *(Row *)(out + at + i * 8 * n) = x[i];
        }
    return 0;
}
