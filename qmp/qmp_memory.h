/* SPDX-License-Identifier: MIT */
/*
 * qmp_memory: reads a guest's memory by way of QEMU, and where there is any.
 *
 * QEMU writes guest memory to files only. A descriptor of ours that it was
 * given is one: /proc/self/fd/N, in its own process.
 */
#ifndef QMP_QMP_MEMORY_H
#define QMP_QMP_MEMORY_H

#include <stdint.h>

#include "qmp/qmp.h"

/* A copy of a descriptor in QEMU's process. */
struct qmp_added_fd {
	int64_t set;
	int64_t fd; /* its number there */
};
/*
 * Gives QEMU a copy of @fd, to keep until qmp_remove_fd() or until its last
 * monitor client leaves. @label is shown by query-fdsets. ERR_SYSTEM, and the
 * session stays whole, where the monitor is no UNIX socket of this machine.
 */
int qmp_add_fd(struct qmp *q, int fd, const char *label,
	       struct qmp_added_fd *out, struct mono deadline, struct err *err);
/* A guest that is paused keeps it until it runs again. */
int qmp_remove_fd(struct qmp *q, const struct qmp_added_fd *added,
		  struct mono deadline, struct err *err);
/*
 * Removes every copy of that label: of a qmp_add_fd() that timed out nobody
 * knows the number. None is no failure.
 */
int qmp_remove_labelled_fds(struct qmp *q, const char *label,
			    struct mono deadline, struct err *err);

/*
 * Writes @bytes of guest-physical memory from @address on to the file @path of
 * QEMU's, which it truncates first. The guest is stopped meanwhile, hence
 * the limit; and what is no RAM there is read like the guest would read it,
 * side effects included.
 */
enum { QMP_PMEMSAVE_MOST_BYTES = 64 * 1024 };
int qmp_pmemsave(struct qmp *q, uint64_t address, uint32_t bytes,
		 const char *path, struct mono deadline, struct err *err);

/* Memory that the guest started with; what was plugged later lies elsewhere. */
int qmp_base_memory_bytes(struct qmp *q, uint64_t *bytes, struct mono deadline,
			  struct err *err);
/* The machine's max-ram-below-4g; 0: it has none, or leaves it to QEMU. */
int qmp_ram_below_4g_bytes(struct qmp *q, uint64_t *bytes, struct mono deadline,
			   struct err *err);

#endif
