/* SPDX-License-Identifier: MIT */
/*
 * image_lock: an image that QEMU is to take, and that another process has.
 *
 * The destination's QEMU takes the locks of the images when it is to run the
 * guest, and who has one may be about to let go of it: the source's QEMU, a
 * server that has the clients of an NFS recover their locks, a program that
 * looks at the image. So QEMU is asked again for a while.
 */
#ifndef ENGINE_RUN_IMAGE_LOCK_H
#define ENGINE_RUN_IMAGE_LOCK_H

#include "transport/base/err.h"

struct run;

/*
 * @ask(@r) has failed with *err. Where a lock is all that kept it, asks again
 * for up to 10 s, or as long as the budget lets the guest be stopped; not
 * once the guest runs on the source again. 0, or -1 with the last error, which
 * says then who has the image, if that was found out. In a task.
 */
int image_lock_outlast(struct run *r, int (*ask)(struct run *r, struct err *e),
		       struct err *err);

#endif
