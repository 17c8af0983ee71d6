/* SPDX-License-Identifier: MIT */
/*
 * vmferry_options: the options of the library as those of a migration. Private
 * to vmferry.c.
 */
#ifndef ENGINE_VMFERRY_OPTIONS_H
#define ENGINE_VMFERRY_OPTIONS_H

#include "engine/run/migrate_options.h"
#include "engine/vmferry.h"

enum { VMFERRY_OPTIONS_TEXTS = 8 };

struct vmferry_taken {
	struct migrate_options opt; /* borrows from text; without a sink */
	const char *program;
	char *text[VMFERRY_OPTIONS_TEXTS];
};

/*
 * Copies @o into *out. -1, with nothing to be freed, when the guest, the
 * destination or the program is missing or the size is that of another version.
 */
int vmferry_options_take(const struct vmferry_options *o,
			 struct vmferry_taken *out);
void vmferry_options_free(struct vmferry_taken *t);

#endif
