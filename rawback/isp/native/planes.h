/* What passes over planes share: blocks to samples and back, and chroma made large. */
#ifndef RAWBACK_PLANES_H
#define RAWBACK_PLANES_H

#include "core.h"

/* Rows of eight samples, or of eight frequencies: gcc and clang make of it what the processor has. */
typedef float Row __attribute__((vector_size(32), aligned(4), may_alias));

typedef struct {
    const float *factors; /* (64,): by which a level is multiplied */
    const float *answers; /* what AC levels stand for, from -reach to reach; NULL: themselves */
    int64_t reach;
    int dependent;        /* whether there are answers of two quantisers, one after the other */
} Dequantiser;

/* Rows of a block become its columns. */
static inline void transpose(Row x[8])
{
    float turned[8][8];
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            turned[j][i] = x[i][j];
    for (int i = 0; i < 8; i++)
        x[i] = *(Row *)turned[i];
}

/* A block of levels -> eight rows of samples, `stride` floats apart. */
void block_to_samples(const int16_t *levels, const Dequantiser *by, float added, float *out, int64_t stride);

/* Row `y` of a plane made large by `v` and `h`, 1 or 2 each: `width` samples; `line` has room for `columns`. */
void grow_row(const float *small, int64_t rows, int64_t columns, int v, int h, int64_t y, int64_t width, float *line, float *out);

#endif
