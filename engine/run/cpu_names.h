/* SPDX-License-Identifier: MIT */
/* cpu_names: what QEMU calls the features of CPUID. */
#ifndef ENGINE_RUN_CPU_NAMES_H
#define ENGINE_RUN_CPU_NAMES_H

#include "qmp/qmp_cpu.h"

/*
 * The feature of @bit in @w, as -cpu takes it ("avx512f"), or by its place
 * where it is none of the common ones ("CPUID 7.1 EAX bit 4"); to be freed.
 */
char *cpu_names_feature(const struct qmp_cpu_word *w, unsigned int bit);

#endif
