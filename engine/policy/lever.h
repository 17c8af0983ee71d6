/* SPDX-License-Identifier: MIT */
/* lever: the gate and the throttle in the numbers that QEMU takes; pure. */
#ifndef ENGINE_POLICY_LEVER_H
#define ENGINE_POLICY_LEVER_H

#include <stdbool.h>

/*
 * downtime-limit for a gate of @ms, where QEMU goes by its own measure of the
 * stream: with xbzrle a byte of that is @ratio bytes of memory.
 */
double lever_limit_ms(double ms, double ratio);
/* Whether @a is as good as @b: what is set stays, and nothing is sent. */
bool lever_is_near(double a, double b);
/* cpu-throttle-initial for @share of the guest's time; the least is 1. */
unsigned int lever_percent(double share);
/* The share that the guest loses, of QEMU's cpu-throttle-percentage. */
double lever_share(int percent);

#endif
