/* Levels of a baseline JPEG's one scan. Whatever is not quite regular is refused, and left to libjpeg. */
#include "jpeg_scan.h"
#include <string.h>

#define LOOK_BITS 10

typedef struct {
    uint16_t quick[1 << LOOK_BITS]; /* size << 8 | symbol; 0: a longer code, or none */
    int32_t first_beyond[18];       /* by length: the first code, in 16 bits, that is longer; of 17: none is */
    int32_t offset[17];             /* by length: number of the symbol less its code */
    uint8_t symbols[256];
} Decoder;

typedef struct {
    const uint8_t *at, *end;
    uint64_t held; /* from the highest bit on */
    int count;
    int missing;   /* bits that were made up at the end */
} BitReader;

static int prepare(Decoder *to, const Huffman *table)
{
    int32_t code = 0, number = 0;
    memset(to, 0, sizeof *to);
    memcpy(to->symbols, table->symbols, sizeof to->symbols);
    for (int bits = 1; bits <= 16; bits++, code <<= 1) {
        to->offset[bits] = number - code;
        for (int i = 0; i < table->per_length[bits]; i++, code++, number++) {
            if (number >= 256 || code >= 1 << bits)
                return -1;
            if (bits > LOOK_BITS)
                continue;
            int first = code << (LOOK_BITS - bits);
            for (int j = 0; j < 1 << (LOOK_BITS - bits); j++)
                to->quick[first + j] = (uint16_t)(bits << 8 | table->symbols[number]);
        }
        to->first_beyond[bits] = code << (16 - bits);
    }
    to->first_beyond[17] = 1 << 16;
    return 0;
}

/* At least 57 bits, or all there are and zeros. Stops before a marker. */
static inline void refill(BitReader *from)
{
    if (from->count > 32)
        return;
    if (from->end - from->at >= 4) {
        const uint8_t *p = from->at;
        uint32_t word = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        uint32_t inverted = ~word;
        if (!((inverted - 0x01010101u) & ~inverted & 0x80808080u)) {
            from->held |= (uint64_t)word << (32 - from->count);
            from->count += 32;
            from->at += 4;
            return;
        }
    }
    while (from->count <= 56) {
        uint64_t byte = 0;
        if (from->at < from->end && from->at[0] != 0xFF)
            byte = *from->at++;
        else if (from->end - from->at >= 2 && from->at[1] == 0)
            byte = 0xFF, from->at += 2;
        else
            from->missing += 8;
        from->held |= byte << (56 - from->count);
        from->count += 8;
    }
}

static inline void drop(BitReader *from, int bits)
{
    from->held <<= bits;
    from->count -= bits;
}

/* The next symbol; -1 for a code that there is not. At least 16 bits are held. */
static inline int next_symbol(BitReader *from, const Decoder *decoder)
{
    unsigned quick = decoder->quick[from->held >> (64 - LOOK_BITS)];
    if (quick) {
        drop(from, quick >> 8);
        return quick & 255;
    }
    int32_t code = (int32_t)(from->held >> 48);
    int bits = LOOK_BITS + 1;
    while (code >= decoder->first_beyond[bits])
        bits++;
    if (bits > 16)
        return -1;
    int number = (code >> (16 - bits)) + decoder->offset[bits];
    if (number < 0 || number > 255)
        return -1;
    drop(from, bits);
    return decoder->symbols[number];
}

/* The value of that many bits (T.81, F.2.2.1); size 1..15. */
static inline int receive(BitReader *from, int size)
{
    int value = (int)(from->held >> (64 - size));
    drop(from, size);
    return value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
}

static int decode_block(BitReader *from, const Decoder *dc, const Decoder *ac, int *previous, int16_t *levels)
{
    refill(from);
    int size = next_symbol(from, dc);
    if (size < 0 || size > 11)
        return -1;
    *previous += size ? receive(from, size) : 0;
    if (*previous < -32768 || *previous > 32767)
        return -1;
    levels[0] = (int16_t)*previous;
    for (int k = 1; k < 64; k++) {
        refill(from);
        int both = next_symbol(from, ac), run = both >> 4;
        if (both < 0)
            return -1;
        size = both & 15;
        if (!size) {
            if (run < 15)
                return run ? -1 : 0; /* runs of blocks are for progressive files */
            k += 15;
            continue;
        }
        k += run;
        if (k > 63)
            return -1;
        levels[ZIGZAG[k]] = (int16_t)receive(from, size);
    }
    return 0;
}

/* Levels, into planes of zeros. The bytes of the scan up to its marker, or -1. */
EXPORT int64_t core_jpeg_decode(const uint8_t *data, int64_t length, const Huffman *tables, const Component *components,
                                int32_t count, int32_t mcu_rows, int32_t mcu_columns)
{
    Decoder decoders[8];
    BitReader from = {data, data + length, 0, 0, 0};
    int previous[MAX_COMPONENTS] = {0};
    for (int t = 0; t < 8; t++)
        if (prepare(&decoders[t], &tables[t]))
            return -1;
    for (int row = 0; row < mcu_rows; row++)
        for (int column = 0; column < mcu_columns; column++)
            for (int c = 0; c < count; c++) {
                const Component *of = &components[c];
                for (int y = row * of->v; y < (row + 1) * of->v; y++)
                    for (int x = column * of->h; x < (column + 1) * of->h; x++) {
                        int16_t beyond[64];
                        int inside = y < of->rows && x < of->columns;
                        int16_t *levels = inside ? of->levels + 64 * ((size_t)y * of->columns + x) : beyond;
                        if (decode_block(&from, &decoders[of->dc], &decoders[4 + of->ac], &previous[c], levels))
                            return -1;
                        if (from.missing > from.count) /* bits were used that there are not */
                            return -1;
                    }
            }
    if (from.count - from.missing >= 8 || from.end - from.at < 2 || from.at[0] != 0xFF)
        return -1; /* coded data are left */
    return from.at - data;
}
