/* SPDX-License-Identifier: MIT */
/* landlock: the kernel's interface. */
#include "transport/base/landlock.h"

#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum { ASK_VERSION = 1 << 0 };		  /* a flag of create_ruleset */
enum { RULE_BENEATH = 1, RULE_PORT = 2 }; /* kinds of rules */

int landlock_version(void)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);

	return version > 0 ? (int)version : 0;
}

struct landlock_ruleset landlock_known(struct landlock_ruleset set, int version)
{
	if (version < 2)
		set.files &= ~(uint64_t)LANDLOCK_REFER;
	if (version < 3)
		set.files &= ~(uint64_t)LANDLOCK_TRUNCATE;
	if (version < 4)
		set.net = 0;
	if (version < 5)
		set.files &= ~(uint64_t)LANDLOCK_IOCTL_DEV;
	if (version < 6)
		set.scoped = 0;
	return set;
}

/* An older kernel takes a longer struct whose end is zero. */
int landlock_new(const struct landlock_ruleset *set)
{
	return (int)syscall(SYS_landlock_create_ruleset, set, sizeof(*set), 0);
}

int landlock_permit_beneath(int fd, const struct landlock_beneath *rule)
{
	return (int)syscall(SYS_landlock_add_rule, fd, RULE_BENEATH, rule, 0);
}

int landlock_permit_port(int fd, const struct landlock_port *rule)
{
	return (int)syscall(SYS_landlock_add_rule, fd, RULE_PORT, rule, 0);
}

int landlock_restrict(int fd)
{
	return (int)syscall(SYS_landlock_restrict_self, fd, 0);
}
