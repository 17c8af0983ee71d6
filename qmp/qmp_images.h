/* SPDX-License-Identifier: MIT */
/*
 * qmp_images: the images of a guest that arrived stopped.
 *
 * Theory of operation. A QEMU that has received a guest leaves its images
 * inactive until `cont`: it holds no lock on them, so that another program may
 * open and write them, and QEMU before 10.0 aborts when such a guest is to be
 * migrated again. QEMU from 10.0 on activates them by a command. Before that
 * QEMU activates a node when an export of it is asked for, even when the export
 * itself is refused, as it is here: no NBD server runs, and the guest's device
 * does not share its image for writing. So nothing is exported at any time,
 * the guest does not run, and its memory and registers stay as they are. The
 * refusal also says whether it worked: an inactive node is refused as
 * read-only.
 */
#ifndef QMP_QMP_IMAGES_H
#define QMP_QMP_IMAGES_H

#include "qmp/qmp.h"

/*
 * Activates all block nodes of a stopped guest; those that are active stay so.
 * ERR_QMP: some are not, named with the reason, or QEMU has no command that
 * does it.
 */
int qmp_images_activate(struct qmp *q, struct mono deadline, struct err *err);

/* Whether QEMU says in @err that another process has a lock on an image. */
bool qmp_images_locked(const struct err *err);

/*
 * 1 when a guest whose images are inactive can be migrated (QEMU from 10.0 on),
 * 0 when QEMU would abort, -1.
 */
int qmp_images_may_be_inactive(struct qmp *q, struct mono deadline,
			       struct err *err);

#endif
