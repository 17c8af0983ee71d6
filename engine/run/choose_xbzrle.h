/* SPDX-License-Identifier: MIT */
/*
 * choose_xbzrle: whether a migration uses xbzrle, which has to be chosen before
 * it starts: QEMU takes no capabilities while one runs.
 */
#ifndef ENGINE_RUN_CHOOSE_XBZRLE_H
#define ENGINE_RUN_CHOOSE_XBZRLE_H

#include <stdint.h>

#include "transport/base/err.h"

struct run;

/* Sets the attempt's cache; may look at the guest's pages for a second. */
int choose_xbzrle(struct run *r, struct err *err);
/*
 * Memory for a cache in the source's QEMU, with all that the guest may take
 * yet left to it; 0: not known.
 */
uint64_t choose_xbzrle_room(const struct run *r);

#endif
