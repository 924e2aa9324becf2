/* Which library this is: its version, and whether this processor runs the variant for AVX2. */
#include "core.h"

EXPORT int32_t core_abi(void) { return CORE_ABI; }

EXPORT int32_t core_has_avx2(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") != 0;
#else
    return 0;
#endif
}
