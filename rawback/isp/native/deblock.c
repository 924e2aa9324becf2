/* Steps at the borders of blocks evened out: isp/deblocking.py's `applied`. */
#include "planes.h"

#define REACH 4
#define CLASSES 7

typedef struct {
    const float *shares; /* (2, CLASSES) */
    const float *busy;   /* (CLASSES - 1,): borders between classes */
    const float *ramps;  /* (2, REACH) */
} Deblocking;

static inline float mean_of(Row x)
{
    float sum = x[0];
    for (int i = 1; i < 8; i++)
        sum += x[i];
    return sum * 0.125f;
}

static inline Row size_of(Row x)
{
    for (int i = 0; i < 8; i++)
        x[i] = __builtin_fabsf(x[i]);
    return x;
}

/* The border between at[3] and at[4], along which eight pixels lie side by side. */
static inline void even_out(Row at[8], const Deblocking *by)
{
    Row left = at[3] - at[2], right = at[5] - at[4];
    Row step = at[4] - at[3] - (left + right) * 0.5f;
    Row inner = size_of(at[1] - at[0]) + size_of(at[2] - at[1]) + size_of(left) + size_of(right) + size_of(at[6] - at[5]) +
                size_of(at[7] - at[6]);
    float mean = mean_of(step), busy = mean_of(inner / 6.0f);
    int kind = 0;
    for (int i = 0; i < CLASSES - 1; i++)
        kind += busy >= by->busy[i];
    Row rest = (step - mean) * by->shares[CLASSES + kind];
    mean *= by->shares[kind];
    for (int pixel = 0; pixel < REACH; pixel++) {
        Row change = mean * by->ramps[pixel] + rest * by->ramps[REACH + pixel];
        at[REACH + pixel] -= change;
        at[REACH - 1 - pixel] += change;
    }
}

/* (8m, 8n) luma, in place: first the borders between rows, then those between columns. */
EXPORT int64_t core_deblock(float *luma, int64_t m, int64_t n, const float *shares, const float *busy, const float *ramps)
{
    Deblocking by = {shares, busy, ramps};
    int64_t width = 8 * n;
    Row at[8];
    for (int64_t y = 8 - REACH; y < 8 * (m - 1); y += 8)
        for (int64_t x = 0; x < width; x += 8) {
            for (int i = 0; i < 8; i++)
                at[i] = *(Row *)(luma + (y + i) * width + x);
            even_out(at, &by);
            for (int i = 0; i < 8; i++)
                *(Row *)(luma + (y + i) * width + x) = at[i];
        }
    for (int64_t y = 0; y < 8 * m; y += 8)
        for (int64_t x = 8 - REACH; x < 8 * (n - 1); x += 8) {
            for (int i = 0; i < 8; i++)
                at[i] = *(Row *)(luma + (y + i) * width + x);
            transpose(at);
            even_out(at, &by);
            transpose(at);
            for (int i = 0; i < 8; i++)
                *(Row *)(luma + (y + i) * width + x) = at[i];
        }
    return 0;
}
