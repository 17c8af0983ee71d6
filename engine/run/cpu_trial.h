/* SPDX-License-Identifier: MIT */
/*
 * cpu_trial: what CPU a guest would have on the destination.
 *
 * Theory of operation. Which features a CPU gets depends on its model, on the
 * machine type (models have versions), on QEMU, and on what the host and its
 * accelerator can do. No list of features has all of that. So the QEMU of the
 * destination is started for a moment with the guest's machine type,
 * accelerator, -cpu and -smp, and 16 MiB, and is asked. It is stopped from the
 * start (-S), has no other device and no file, and runs as the guest's user.
 */
#ifndef ENGINE_RUN_CPU_TRIAL_H
#define ENGINE_RUN_CPU_TRIAL_H

#include <stdbool.h>

#include "engine/hosts/as_user.h"
#include "qmp/qmp_cpu.h"
#include "transport/base/strv.h"
#include "transport/host.h"

struct cpu_trial {
	struct qmp_cpu cpu; /* empty if it did not say */
	/* What it wrote to its standard error, the first few lines: */
	struct strv errors;   /* why it ended */
	struct strv warnings; /* of what it went on with */
	struct strv features; /* "CPUID.01H:ECX.pcid [bit 17]": left out */
};

/*
 * Appends the command line of a trial, without the monitor; @argv is the
 * guest's on the destination.
 */
void cpu_trial_words(const struct strv *argv, const char *machine, bool kvm,
		     struct strv *out);
/*
 * @words: that command line. -1: the host could not be asked. @user: the
 * guest's, whom root is to act as, or NULL.
 */
int cpu_trial_ask(struct host *h, const struct as_user *user,
		  const struct strv *words, struct cpu_trial *out,
		  struct mono deadline, struct err *err);
/* What it printed; pure. What makes no sense is left out. */
void cpu_trial_read(const char *text, struct cpu_trial *out);
void cpu_trial_free(struct cpu_trial *t);

#endif
