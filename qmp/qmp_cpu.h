/* SPDX-License-Identifier: MIT */
/*
 * qmp_cpu: the CPU that a guest really has, of x86 alone.
 *
 * A model's name says what was asked for. What came of it is in the properties
 * of the first vCPU: QEMU has left out what host and accelerator cannot do.
 */
#ifndef QMP_QMP_CPU_H
#define QMP_QMP_CPU_H

#include <stdint.h>

#include "qmp/json.h"
#include "qmp/qmp.h"

/* One register of CPUID's answers that has features. */
struct qmp_cpu_word {
	uint32_t leaf, subleaf;
	char reg[4]; /* "EBX" */
	uint32_t bits;
};

/* Empty for a guest without a vCPU, and for one that is not x86. */
struct qmp_cpu {
	char *model;  /* "qemu64", NULL: none */
	char *vendor; /* "GenuineIntel", NULL: not known */
	struct qmp_cpu_word *words;
	size_t n;
};

int qmp_cpu_query(struct qmp *q, struct qmp_cpu *out, struct mono deadline,
		  struct err *err);
void qmp_cpu_free(struct qmp_cpu *c);

/* The model of the QOM type "qemu64-x86_64-cpu"; to be freed. */
char *qmp_cpu_model(const char *type);
/* The property feature-words, into @out; what is broken leaves it empty. */
int qmp_cpu_read_words(struct json_at list, struct qmp_cpu *out,
		       struct err *err);

#endif
