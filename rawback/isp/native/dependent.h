/* The states of dependent quantisation, as isp/dependent.py says them. */
#ifndef RAWBACK_DEPENDENT_H
#define RAWBACK_DEPENDENT_H

#include <stdint.h>

#define STATES 8

/* By what magnitudes of the first and of the second quantiser are more than their level, in steps. */
static const float OFFSETS[2] = {0.25f, -0.25f};

/* After a level in a state; the state's lowest bit says which quantiser it was. */
static inline int next_state(int state, int level)
{
    int odd = level ^ state ^ state >> 1 ^ state >> 2;
    return (state << 1 & 6) | (odd & 1);
}

#endif
