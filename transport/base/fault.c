/* SPDX-License-Identifier: MIT */
/* fault: named points of failure, in test builds only. */
#include "transport/base/fault.h"

#ifdef VMFERRY_FAULTS

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FAULTS = 8 };

/* One entry of the variable, with the visits that are still to go. */
struct fault {
	char point[48];
	char action[8];
	int visits;
};

static struct fault faults[MAX_FAULTS];
static size_t n_faults;

static void read_one(const char *text)
{
	struct fault *f = &faults[n_faults];

	f->visits = 1;
	if (sscanf(text, "%47[^:]:%7[a-z]:%d", f->point, f->action,
		   &f->visits) >= 2)
		n_faults++;
}

/* Children are other programs, or the guardian, which is to survive. */
static void read_all(void)
{
	static bool done;
	const char *value = getenv("VMFERRY_FAULT");
	char *copy, *rest;

	if (done)
		return;
	done = true;
	if (!value)
		return;
	copy = strdup(value);
	for (char *one = strtok_r(copy, ",", &rest);
	     one && n_faults < MAX_FAULTS; one = strtok_r(NULL, ",", &rest))
		read_one(one);
	free(copy);
	unsetenv("VMFERRY_FAULT");
}

static int act(const struct fault *f, struct err *err)
{
	if (!strcmp(f->action, "kill"))
		(void)raise(SIGKILL);
	if (!strcmp(f->action, "stop"))
		(void)raise(SIGSTOP);
	while (!strcmp(f->action, "stall"))
		(void)pause();
	if (!strcmp(f->action, "error"))
		return err_set(err, ERR_FAILED, "a fault was asked for at %s",
			       f->point);
	return 0;
}

int fault_point(const char *name, struct err *err)
{
	struct fault *due = NULL;

	read_all();
	/* each counts every visit, also one at which another is due */
	for (size_t i = 0; i < n_faults; i++) {
		if (!strcmp(faults[i].point, name) && --faults[i].visits == 0)
			due = &faults[i];
	}
	return due ? act(due, err) : 0;
}

int fault_stage(const char *stage, const char *where, struct err *err)
{
	char name[48];

	snprintf(name, sizeof(name), "%s.%s", stage, where);
	return fault_point(name, err);
}

#endif
