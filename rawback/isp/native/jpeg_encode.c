/* Baseline Huffman coding of levels as libjpeg does it with optimal tables: the same bytes (oracle: files.libjpeg.write). */
#include "jpeg_scan.h"
#include <string.h>

const uint8_t ZIGZAG[64] = {
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55,
    62, 63};

const uint8_t PLACE[64] = {
    0,  1,  5,  6,  14, 15, 27, 28, 2,  4,  7,  13, 16, 26, 29, 42, 3,  8,  12, 17, 25, 30, 41, 43, 9,  11, 18, 24, 31, 40, 44, 53,
    10, 19, 23, 32, 39, 45, 52, 54, 20, 22, 33, 38, 46, 51, 55, 60, 21, 34, 37, 47, 50, 56, 59, 61, 35, 36, 48, 49, 57, 58, 62, 63};

typedef struct {
    uint32_t code[256];
    uint8_t size[256]; /* 0: no code */
} Codes;

/* What is done with each symbol of the scan: it is counted first, and written in a second pass. */
typedef struct {
    int64_t counts[4][257]; /* DC 0, DC 1, AC 0, AC 1 */
    Codes codes[4];
    BitWriter out;
    int writing;
} Coder;

static inline void symbol(Coder *coder, int table, int value, uint32_t extra, int extra_size)
{
    if (!coder->writing) {
        coder->counts[table][value]++;
        return;
    }
    const Codes *codes = &coder->codes[table];
    put_bits(&coder->out, (uint64_t)codes->code[value] << extra_size | extra, codes->size[value] + extra_size);
}

/* The bits after a symbol's code: the value itself, less one if it is negative (T.81, F.1.2.1). */
static inline uint32_t extra_bits(int value, int size) { return (uint32_t)(value < 0 ? value - 1 : value) & ((1u << size) - 1); }

static int code_block(Coder *coder, const int16_t *levels, int dc_table, int ac_table, int *previous)
{
    int difference = levels[0] - *previous, size = bit_length((unsigned)(difference < 0 ? -difference : difference));
    if (size > 11)
        return -1;
    *previous = levels[0];
    symbol(coder, dc_table, size, extra_bits(difference, size), size);
    int last = 0;
    for (uint64_t left = in_scan(coded_of(levels)); left; left &= left - 1) {
        int k = __builtin_ctzll(left), value = levels[ZIGZAG[k]], run = k - last - 1;
        last = k;
        size = bit_length((unsigned)(value < 0 ? -value : value));
        if (size > 10)
            return -1;
        for (; run > 15; run -= 16)
            symbol(coder, ac_table, 0xF0, 0, 0);
        symbol(coder, ac_table, run << 4 | size, extra_bits(value, size), size);
    }
    if (last < 63)
        symbol(coder, ac_table, 0, 0, 0);
    return 0;
}

/* All MCUs. Blocks beyond the picture repeat the mean of the one before, as jctrans.c has it. */
static int code_scan(Coder *coder, const Component *components, int count, int mcu_rows, int mcu_columns)
{
    int previous[MAX_COMPONENTS] = {0};
    for (int row = 0; row < mcu_rows; row++)
        for (int column = 0; column < mcu_columns; column++)
            for (int c = 0; c < count; c++) {
                const Component *of = &components[c];
                for (int y = row * of->v; y < (row + 1) * of->v; y++)
                    for (int x = column * of->h; x < (column + 1) * of->h; x++) {
                        int16_t beyond[64] = {(int16_t)previous[c]};
                        int inside = y < of->rows && x < of->columns;
                        const int16_t *levels = inside ? of->levels + 64 * ((size_t)y * of->columns + x) : beyond;
                        if (code_block(coder, levels, of->dc, 2 + of->ac, &previous[c]))
                            return -1;
                    }
            }
    return 0;
}

/* libjpeg's jpeg_gen_optimal_table (T.81, K.2), so that ties are broken as there. counts[256] is the reserved code. */
static void optimal(int64_t *counts, Huffman *table)
{
    int size[257] = {0}, next[257], per_size[300] = {0};
    for (int i = 0; i < 257; i++)
        next[i] = -1;
    counts[256] = 1;
    for (;;) {
        int least = -1, second = -1;
        for (int i = 0; i < 257; i++)
            if (counts[i] && (least < 0 || counts[i] <= counts[least]))
                least = i;
        for (int i = 0; i < 257; i++)
            if (counts[i] && i != least && (second < 0 || counts[i] <= counts[second]))
                second = i;
        if (second < 0)
            break;
        counts[least] += counts[second];
        counts[second] = 0;
        for (size[least]++; next[least] >= 0; size[least]++)
            least = next[least];
        next[least] = second;
        for (size[second]++; next[second] >= 0; size[second]++)
            second = next[second];
    }
    for (int i = 0; i < 257; i++)
        per_size[size[i]]++;
    per_size[0] = 0;
    int length = 299;
    for (; length > 16; length--)
        while (per_size[length] > 0) {
            int shorter = length - 2;
            while (!per_size[shorter])
                shorter--;
            per_size[length] -= 2;
            per_size[length - 1]++;
            per_size[shorter + 1] += 2;
            per_size[shorter]--;
        }
    while (!per_size[length])
        length--;
    per_size[length]--;
    int number = 0;
    for (int bits = 1; bits < 300; bits++)
        for (int i = 0; i < 256; i++)
            if (size[i] == bits)
                table->symbols[number++] = (uint8_t)i;
    for (int bits = 0; bits <= 16; bits++)
        table->per_length[bits] = (uint8_t)per_size[bits];
}

static void codes_of(const Huffman *table, Codes *codes)
{
    uint32_t code = 0;
    int number = 0;
    memset(codes, 0, sizeof *codes);
    for (int bits = 1; bits <= 16; bits++, code <<= 1)
        for (int i = 0; i < table->per_length[bits]; i++, code++, number++) {
            codes->code[table->symbols[number]] = code;
            codes->size[table->symbols[number]] = (uint8_t)bits;
        }
}

/* Tables (4: DC 0, DC 1, AC 0, AC 1) and the scan of a picture; the bytes written, -1 for levels that no baseline JPEG
 * holds, -2 where the scan may not fit into `room`. */
EXPORT int64_t core_jpeg_encode(const Component *components, int32_t count, int32_t mcu_rows, int32_t mcu_columns,
                                Huffman *tables, uint8_t *out, int64_t room)
{
    Coder coder = {0};
    if (code_scan(&coder, components, count, mcu_rows, mcu_columns))
        return -1;
    int64_t bits = 64;
    for (int t = 0; t < 4; t++) {
        int64_t counts[257];
        memcpy(counts, coder.counts[t], sizeof counts);
        optimal(counts, &tables[t]);
        codes_of(&tables[t], &coder.codes[t]);
        for (int i = 0; i < 256; i++)
            bits += coder.counts[t][i] * (coder.codes[t].size[i] + (i & 15));
    }
    if (bits / 4 + 16 > room) /* every byte may have to be stuffed */
        return -2;
    coder.writing = 1;
    coder.out.at = out;
    code_scan(&coder, components, count, mcu_rows, mcu_columns);
    end_bits(&coder.out);
    return coder.out.at - out;
}
