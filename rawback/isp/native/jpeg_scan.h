/* The geometry of a baseline JPEG's one interleaved scan (T.81, A.2.3). */
#ifndef RAWBACK_JPEG_SCAN_H
#define RAWBACK_JPEG_SCAN_H

#include "core.h"
#include <string.h>

#define MAX_COMPONENTS 3

typedef struct {
    int16_t *levels;         /* (rows, columns, 64) in natural order */
    int32_t rows, columns;   /* of blocks that the picture has */
    int32_t v, h;            /* blocks of an MCU */
    int32_t dc, ac;          /* numbers of its Huffman tables */
} Component;

typedef struct {
    uint8_t per_length[17];  /* how many codes have 1..16 bits */
    uint8_t symbols[256];
} Huffman;

/* Where the scan comes to, place by place, and where it comes to each place. */
extern const uint8_t ZIGZAG[64], PLACE[64];

/* 64 bytes of 0 or 1 as bits. */
static inline uint64_t mask_of(const uint8_t is[64])
{
    uint64_t mask = 0;
    for (int row = 0; row < 8; row++) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        uint64_t eight;
        memcpy(&eight, is + 8 * row, 8);
        mask |= (eight * 0x0102040810204080u >> 56) << 8 * row; /* byte i comes to bit 8 i + 7 (8 - i), which is 56 + i */
#else
        for (int i = 0; i < 8; i++)
            mask |= (uint64_t)is[8 * row + i] << (8 * row + i);
#endif
    }
    return mask;
}

/* Which levels of a block are not 0; DC is left out. */
static inline uint64_t coded_of(const int16_t *levels)
{
    uint8_t is[64];
    for (int i = 0; i < 64; i++)
        is[i] = levels[i] != 0;
    return mask_of(is) & ~(uint64_t)1;
}

/* A mask of coefficients in the order of the scan. */
static inline uint64_t in_scan(uint64_t mask)
{
    uint64_t scanned = 0;
    for (; mask; mask &= mask - 1)
        scanned |= (uint64_t)1 << PLACE[__builtin_ctzll(mask)];
    return scanned;
}

#endif
