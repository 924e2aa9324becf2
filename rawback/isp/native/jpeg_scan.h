/* The geometry of a baseline JPEG's one interleaved scan (T.81, A.2.3). */
#ifndef RAWBACK_JPEG_SCAN_H
#define RAWBACK_JPEG_SCAN_H

#include "core.h"

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

extern const uint8_t ZIGZAG[64];

#endif
