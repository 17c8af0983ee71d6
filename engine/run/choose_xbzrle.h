/* SPDX-License-Identifier: MIT */
/*
 * choose_xbzrle: whether a migration uses xbzrle, which has to be chosen before
 * it starts: QEMU takes no capabilities while one runs.
 *
 * Theory of operation. It depends on what the guest does to its pages, which
 * takes a second to see (page_sample.h). The look is a task of its own, from
 * when the source is known on, beside connect, preflight and launch. Once all
 * else is ready it is in the way: a guest in which little changes has no need
 * of xbzrle and is not waited for, or for no more than a hundredth of the time
 * that its copy takes; only a look that sees pages change goes on to its end.
 */
#ifndef ENGINE_RUN_CHOOSE_XBZRLE_H
#define ENGINE_RUN_CHOOSE_XBZRLE_H

#include <stdint.h>

#include "transport/base/err.h"

struct run;
struct xbzrle_look;

/*
 * Begins a look at the guest's pages if one may pay, and ends one that cannot
 * by what is known now. Only for a run that moves the guest. In a task; nothing
 * is waited for but an answer of QEMU's.
 */
void choose_xbzrle_look(struct run *r);
/* Sets the attempt's cache; ends the look. */
int choose_xbzrle(struct run *r, struct err *err);
/* Breaks the look off, if there is one; no longer than a command takes. */
void choose_xbzrle_end_look(struct run *r);
/*
 * Memory for a cache in the source's QEMU, with all that the guest may take
 * yet left to it; 0: not known.
 */
uint64_t choose_xbzrle_room(const struct run *r);

#endif
