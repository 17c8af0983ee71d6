/* SPDX-License-Identifier: MIT */
/*
 * unfinished: runs that a recovery has yet to finish or undo, as their
 * journals say.
 */
#ifndef ENGINE_UNFINISHED_H
#define ENGINE_UNFINISHED_H

#include <stdbool.h>

#include "transport/base/err.h"

/*
 * Whether a recovery has anything to do for the journal @path, or must hold for
 * it as it cannot be read. Also true while its engine lives.
 */
bool unfinished_is(const char *path);

/*
 * -1 with ERR_REFUSED when a run that this machine (@machine, its id) drove for
 * the guest @key is unfinished in @runs ("…/runs", which need not exist); the
 * caller holds the guest's lock, or knows that nobody does. A journal that
 * cannot be read may be about any guest.
 */
int unfinished_refuse(const char *runs, const char *machine, const char *key,
		      struct err *err);

#endif
