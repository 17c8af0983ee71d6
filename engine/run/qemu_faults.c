/* SPDX-License-Identifier: MIT */
/* qemu_faults: the table, and which of its rows concern a guest. */
#include "engine/run/qemu_faults.h"

#include <stdio.h>
#include <string.h>

#include "transport/base/xalloc.h"

/* A word of the dirty bitmap: 64 pages of 4 KiB. */
enum { BITMAP_WORD_BYTES = 256 << 10 };

static bool is_synced_by_words(const struct qemu_faults_guest *g)
{
	return g->runs_on_tcg && g->ram_bytes % BITMAP_WORD_BYTES == 0;
}

static bool has_device(const struct qemu_faults_guest *g,
		       const char *const *prefixes)
{
	for (size_t i = 0; i < g->devices->n; i++) {
		for (size_t k = 0; prefixes[k]; k++) {
			if (!strncmp(g->devices->v[i], prefixes[k],
				     strlen(prefixes[k])))
				return true;
		}
	}
	return false;
}

static bool has_virtio_gpu(const struct qemu_faults_guest *g)
{
	static const char *const types[] = { "virtio-gpu", "virtio-vga", NULL };

	return has_device(g, types);
}

/* PCI Express with advanced error reporting. */
static bool has_error_reporting(const struct qemu_faults_guest *g)
{
	static const char *const types[] = {
		"e1000e",
		"igb",
		"pcie-root-port",
		"ioh3420",
		"xio3130-downstream",
		"x3130-upstream",
		"pcie-pci-bridge",
		NULL,
	};

	return has_device(g, types);
}

static const struct qemu_fault faults[] = {
	{
		.from = QEMU_FAULTS_VERSION(2, 0, 0),
		.before = QEMU_FAULTS_VERSION(9, 0, 0),
		.side = QEMU_FAULT_OF_SOURCE,
		.concerns = is_synced_by_words,
		.symptom = "under TCG loses track of pages that a guest "
			   "writes while it moves, when its RAM is a multiple "
			   "of 256 KiB: it would arrive with damaged memory",
		.known_from = "QEMU commit 03bfc2188f06",
		.remedy = "stop it while it moves (`stop` on its monitor, "
			  "`cont` afterwards), or start it with 8 KiB more "
			  "(-m 1048584K for -m 1G)",
		.verdict = CHECK_FAIL,
	},
	{
		.from = QEMU_FAULTS_VERSION(8, 0, 0),
		.before = QEMU_FAULTS_VERSION(8, 0, 1),
		.side = QEMU_FAULT_OF_ONE_SIDE,
		.machine_before = QEMU_FAULTS_VERSION(8, 0, 0),
		.concerns = has_error_reporting,
		.symptom = "gives PCI Express devices with error reporting a "
			   "configuration space that no other version has: "
			   "the destination would refuse the guest",
		.known_from = "QEMU commit 5ed3dabe57dd",
		.verdict = CHECK_FAIL,
	},
	{
		.from = QEMU_FAULTS_VERSION(9, 0, 0),
		.before = QEMU_FAULTS_VERSION(9, 0, 1),
		.side = QEMU_FAULT_OF_ONE_SIDE,
		.machine_before = QEMU_FAULTS_VERSION(9, 0, 0),
		.concerns = has_virtio_gpu,
		.symptom = "has a virtio-gpu whose state no other version "
			   "reads: the destination would refuse the guest",
		.known_from = "QEMU commit 40a23ef643",
		.verdict = CHECK_FAIL,
	},
};

bool qemu_faults_has(const struct qemu_fault *f, int version)
{
	return f->from <= version && version < f->before;
}

int qemu_faults_version(const char *text)
{
	unsigned int major, minor, micro = 0;

	if (!text || sscanf(text, "%3u.%3u.%3u", &major, &minor, &micro) < 2 ||
	    major > 255 || minor > 255 || micro > 255)
		return 0;
	return QEMU_FAULTS_VERSION((int)major, (int)minor, (int)micro);
}

/* Of "pc-q35-7.2"; 0: it has none. */
static int machine_version(const char *machine)
{
	const char *dash = strrchr(machine, '-');

	return dash ? qemu_faults_version(dash + 1) : 0;
}

static bool is_of_side(const struct qemu_fault *f,
		       const struct qemu_faults_guest *g)
{
	bool source = qemu_faults_has(f, g->source);

	if (f->side == QEMU_FAULT_OF_SOURCE)
		return source;
	return g->source && g->destination &&
	       source != qemu_faults_has(f, g->destination);
}

static bool is_of_machine(const struct qemu_fault *f,
			  const struct qemu_faults_guest *g)
{
	int version = machine_version(g->machine);

	return !f->machine_before || (version && version < f->machine_before);
}

const struct qemu_fault *qemu_faults_next(const struct qemu_faults_guest *g,
					  const struct qemu_fault *last)
{
	const struct qemu_fault *f = last ? last + 1 : faults;

	for (; f < faults + ARRAY_SIZE(faults); f++) {
		if (is_of_side(f, g) && is_of_machine(f, g) && f->concerns(g))
			return f;
	}
	return NULL;
}
