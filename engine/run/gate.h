/* SPDX-License-Identifier: MIT */
/*
 * gate: the downtime limit of the source's QEMU, which decides when it stops
 * the guest and switches.
 */
#ifndef ENGINE_RUN_GATE_H
#define ENGINE_RUN_GATE_H

#include "transport/base/err.h"

struct run;

/*
 * Sets the gate: the source switches when what is left can be copied in @ms at
 * @bps (bytes of memory a second; 0: as QEMU measures). QEMU before 8.2 goes by
 * its own measure in any case, of bytes of the stream: @ratio is how many of
 * memory are in one, 1 or more. Nothing is sent where it is set so already,
 * or nearly.
 */
int gate_set(struct run *r, double ms, double bps, double ratio,
	     struct err *err);

#endif
