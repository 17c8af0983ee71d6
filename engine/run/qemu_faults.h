/* SPDX-License-Identifier: MIT */
/*
 * qemu_faults: known faults of QEMU that harm a migration, by version.
 *
 * Elsewhere features are asked for, not versions. These are faults that no
 * feature shows. Each row names where it is described: a commit of upstream
 * QEMU, or a program in tests/assume that shows it. A distribution may have
 * put the correction into an older version; --skip-check is for that.
 *
 * Not here: images that stay inactive in QEMU before 10.0, which are asked for
 * (the check "inactive"), and faults of what vmferry never uses (multifd,
 * calc-dirty-rate).
 */
#ifndef ENGINE_RUN_QEMU_FAULTS_H
#define ENGINE_RUN_QEMU_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/event/check.h"
#include "transport/base/strv.h"

#define QEMU_FAULTS_VERSION(major, minor, micro) \
	(((major) << 16) | ((minor) << 8) | (micro))

/* What decides whether a fault can show. */
struct qemu_faults_guest {
	int source, destination;    /* QEMU_FAULTS_VERSION(); 0: not known */
	const char *machine;	    /* versioned, as "pc-q35-7.2" */
	const struct strv *devices; /* QOM types of all that it has */
	uint64_t ram_bytes;
	bool runs_on_tcg; /* has vCPUs that run, and they are TCG's */
};

enum qemu_fault_side {
	QEMU_FAULT_OF_SOURCE,
	/* the stream's format: exactly one of both sides is in the range */
	QEMU_FAULT_OF_ONE_SIDE,
};

struct qemu_fault {
	int from, before; /* versions that have it: from <= v < before */
	enum qemu_fault_side side;
	int machine_before; /* of machine types before this; 0: of all */
	bool (*concerns)(const struct qemu_faults_guest *g);
	const char *symptom; /* follows "QEMU 7.2.22 " */
	const char *known_from;
	const char *remedy; /* NULL: another version on that side */
	enum check_verdict verdict;
};

/* The row after @last (NULL: the first) that concerns @g; NULL: none. */
const struct qemu_fault *qemu_faults_next(const struct qemu_faults_guest *g,
					  const struct qemu_fault *last);

/* "7.2.22" as a QEMU_FAULTS_VERSION(); 0: it is no version. */
int qemu_faults_version(const char *text);

/* Whether @version is among those that have @f. */
bool qemu_faults_has(const struct qemu_fault *f, int version);

#endif
