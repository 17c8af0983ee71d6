/* SPDX-License-Identifier: MIT */
/*
 * plugged: what was plugged into a guest after its start, and what was taken
 * out of it.
 *
 * Its command line says what it was started with. A destination needs what it
 * is now: the options for what was plugged in follow the others, what is gone
 * is left out. Devices are made by properties (qmp_plug.h), with the objects,
 * block nodes and networks that they use and that have no option of their own.
 */
#ifndef ENGINE_GUEST_PLUGGED_H
#define ENGINE_GUEST_PLUGGED_H

#include "qmp/qmp.h"
#include "transport/base/strv.h"

struct plugged {
	struct strv devices; /* "ID (TYPE)", as they go along */
	struct strv gone;    /* ids of -device that are not there any more */
	struct strv refused; /* "ID (TYPE): why it cannot be made anew" */
	struct strv unsaid;  /* what QEMU does not report of what goes along */
	struct strv options; /* "-device", VALUE, … */
	struct strv ids;     /* of all that was plugged in */
};

/*
 * Fills @out (zeroed before) for the guest behind @q, which was started with
 * @argv. What cannot be made anew is no error, but in refused.
 */
int plugged_read(struct qmp *q, const struct strv *argv, struct plugged *out,
		 struct mono deadline, struct err *err);
void plugged_free(struct plugged *p);

/* Appends @argv to @out as it would be for the guest as it is now. */
void plugged_apply(const struct plugged *p, const struct strv *argv,
		   struct strv *out);

#endif
