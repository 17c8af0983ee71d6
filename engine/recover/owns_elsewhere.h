/* SPDX-License-Identifier: MIT */
/*
 * owns_elsewhere: whether the host that a guest was moved to has it still.
 */
#ifndef ENGINE_RECOVER_OWNS_ELSEWHERE_H
#define ENGINE_RECOVER_OWNS_ELSEWHERE_H

#include "engine/hosts/identity.h"
#include "engine/state/moved.h"
#include "transport/host_options.h"

enum owns_elsewhere {
	OWNS_ELSEWHERE_NOT,    /* it answers that it has not */
	OWNS_ELSEWHERE_SILENT, /* it does not answer, or is another machine */
	OWNS_ELSEWHERE_THERE,  /* it has, or may have: see @err */
};
/*
 * Asks the destination of @m: for a QEMU that is the guest's by process, UUID
 * or name, those of its destination included, and for its own marks that the
 * guest was moved on. These are not followed; one that leads to this machine,
 * @here, does not count. @err is ERR_REFUSED. From a task.
 */
enum owns_elsewhere owns_elsewhere_ask(const struct moved *m,
				       const struct identity_space *here,
				       const struct host_options *ssh,
				       struct err *err);

#endif
