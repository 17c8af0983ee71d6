/* SPDX-License-Identifier: MIT */
/*
 * real_qemu: a real QEMU without a guest system, for tests.
 *
 * Software emulation, and a RAM size that is no multiple of 256 KiB: QEMU 7.2
 * loses dirty pages under emulation with others.
 */
#ifndef TESTS_REAL_QEMU_H
#define TESTS_REAL_QEMU_H

#include <sys/types.h>

struct real_qemu;

/*
 * Starts qemu-system-x86_64 with a monitor of one's own and the arguments
 * @extra (NULL-terminated; may be NULL), in a fresh directory that is also its
 * working directory. Returns when the monitor's socket is there; NULL when
 * QEMU is not installed; aborts when it does not start.
 */
struct real_qemu *real_qemu_start(const char *const *extra);
const char *real_qemu_socket(const struct real_qemu *r);
const char *real_qemu_dir(const struct real_qemu *r);
pid_t real_qemu_pid(const struct real_qemu *r);
/* Kills what still runs and removes the directory. NULL is fine. */
void real_qemu_end(struct real_qemu *r);

#endif
