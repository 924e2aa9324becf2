/* The scan of a lossless JPEG with predictor 1 (T.81, annex H); oracle: files.ljpeg. */
#include "core.h"

#define CATEGORIES 17
#define PIECE 1024 /* samples whose differences are taken at a time */

/* Samples less their left neighbours, modulo 2^16; the first of a row less those above. From `start` on, at most PIECE. */
static int64_t differences(const uint16_t *line, int64_t length, int components, int is_first, int64_t start, int16_t *to)
{
    int64_t stop = start + PIECE < length ? start + PIECE : length, i = start;
    for (; i < stop && i < components; i++)
        to[i - start] = (int16_t)(line[i] - (is_first ? 1 << 15 : line[i - length]));
    for (; i < stop; i++)
        to[i - start] = (int16_t)(line[i] - line[i - components]);
    return stop - start;
}

static inline int category_of(int value) { return bit_length((unsigned)(value < 0 ? -value : value)); }

/* How often each category occurs: counts (17,). `rows` (count, length) with so many components side by side. */
EXPORT void core_ljpeg_count(const uint16_t *rows, int64_t count, int64_t length, int64_t components, int64_t *counts)
{
    int16_t piece[PIECE];
    int64_t sums[4][CATEGORIES] = {{0}}; /* apart, so that equal neighbours need not wait for each other */
    for (int64_t row = 0; row < count; row++)
        for (int64_t start = 0; start < length; start += PIECE) {
            int64_t number = differences(rows + row * length, length, (int)components, !row, start, piece);
            for (int64_t i = 0; i < number; i++)
                sums[i & 3][category_of(piece[i])]++;
        }
    for (int c = 0; c < CATEGORIES; c++)
        counts[c] += sums[0][c] + sums[1][c] + sums[2][c] + sums[3][c];
}

/* The scan with these codes by category, stuffed; `out` has room for 8 bytes a sample. The bytes written. */
EXPORT int64_t core_ljpeg_encode(const uint16_t *rows, int64_t count, int64_t length, int64_t components,
                                 const int64_t *lengths, const int64_t *codes, uint8_t *out)
{
    BitWriter to = {out, 0, 0};
    int16_t piece[PIECE];
    struct {
        uint32_t code, mask;
        int size;
    } of[CATEGORIES];
    for (int c = 0; c < CATEGORIES; c++) {
        int extra = c & 15; /* none for category 16 */
        of[c].code = (uint32_t)(codes[c] << extra), of[c].mask = (1u << extra) - 1, of[c].size = (int)lengths[c] + extra;
    }
    for (int64_t row = 0; row < count; row++)
        for (int64_t start = 0; start < length; start += PIECE) {
            int64_t number = differences(rows + row * length, length, (int)components, !row, start, piece);
            for (int64_t i = 0; i < number; i++) {
                int value = piece[i], c = category_of(value);
                put_bits(&to, of[c].code | ((uint32_t)(value + (value >> 31)) & of[c].mask), of[c].size);
            }
        }
    end_bits(&to);
    return to.at - out;
}
