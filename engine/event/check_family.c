/* SPDX-License-Identifier: MIT */
/* check_family: which checks belong together. */
#include "engine/event/check_family.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "transport/base/xalloc.h"

static const struct {
	const char *name, *title;
} families[] = {
	[CHECK_FAMILY_HOSTS] = { "hosts", "hosts and login" },
	[CHECK_FAMILY_GUEST] = { "guest", "guest" },
	[CHECK_FAMILY_DISKS] = { "disks", "disks and files" },
	[CHECK_FAMILY_NETWORK] = { "network", "network" },
	[CHECK_FAMILY_MACHINE] = { "machine", "QEMU, CPU and memory" },
	[CHECK_FAMILY_OWNER] = { "owner", "who else runs it" },
	[CHECK_FAMILY_OTHER] = { "other", "other" },
};
static_assert(ARRAY_SIZE(families) == CHECK_FAMILIES, "a row for each family");

/* One row a check; a new check needs one here. */
static const struct {
	const char *check;
	enum check_family family;
} rows[] = {
	{ "become", CHECK_FAMILY_HOSTS },
	{ "forwarding", CHECK_FAMILY_HOSTS },
	{ "group", CHECK_FAMILY_HOSTS },
	{ "guardian", CHECK_FAMILY_HOSTS },
	{ "keyring", CHECK_FAMILY_HOSTS },
	{ "lingering", CHECK_FAMILY_HOSTS },
	{ "room", CHECK_FAMILY_HOSTS },
	{ "same-host", CHECK_FAMILY_HOSTS },
	{ "ssh-library", CHECK_FAMILY_HOSTS },
	{ "state", CHECK_FAMILY_HOSTS },
	{ "tools", CHECK_FAMILY_HOSTS },
	{ "transport", CHECK_FAMILY_HOSTS },
	{ "user", CHECK_FAMILY_HOSTS },

	{ "command-line", CHECK_FAMILY_GUEST },
	{ "hotplug", CHECK_FAMILY_GUEST },
	{ "inactive", CHECK_FAMILY_GUEST },
	{ "jobs", CHECK_FAMILY_GUEST },
	{ "migratable", CHECK_FAMILY_GUEST },

	{ "access", CHECK_FAMILY_DISKS },
	{ "active-image", CHECK_FAMILY_DISKS },
	{ "directory", CHECK_FAMILY_DISKS },
	{ "disk", CHECK_FAMILY_DISKS },
	{ "file", CHECK_FAMILY_DISKS },
	{ "locking", CHECK_FAMILY_DISKS },
	{ "name-in-use", CHECK_FAMILY_DISKS },
	{ "remap", CHECK_FAMILY_DISKS },
	{ "trace-file", CHECK_FAMILY_DISKS },

	{ "bridge", CHECK_FAMILY_NETWORK },
	{ "console", CHECK_FAMILY_NETWORK },
	{ "mac", CHECK_FAMILY_NETWORK },
	{ "password", CHECK_FAMILY_NETWORK },
	{ "port", CHECK_FAMILY_NETWORK },
	{ "socket", CHECK_FAMILY_NETWORK },
	{ "tap", CHECK_FAMILY_NETWORK },
	{ "user-network", CHECK_FAMILY_NETWORK },

	{ "cpu", CHECK_FAMILY_MACHINE },
	{ "hugepages", CHECK_FAMILY_MACHINE },
	{ "kvm", CHECK_FAMILY_MACHINE },
	{ "machine", CHECK_FAMILY_MACHINE },
	{ "memlock", CHECK_FAMILY_MACHINE },
	{ "memory", CHECK_FAMILY_MACHINE },
	{ "qemu", CHECK_FAMILY_MACHINE },
	{ "qemu-fault", CHECK_FAMILY_MACHINE },
	{ "qemu-replaced", CHECK_FAMILY_MACHINE },
	{ "ram-file", CHECK_FAMILY_MACHINE },
	{ "version", CHECK_FAMILY_MACHINE },

	{ "boot", CHECK_FAMILY_OWNER },
	{ "manager", CHECK_FAMILY_OWNER },
	{ "restart", CHECK_FAMILY_OWNER },
	{ "same-guest", CHECK_FAMILY_OWNER },
	{ "supervisor", CHECK_FAMILY_OWNER },
	{ "unfinished", CHECK_FAMILY_OWNER },
};

const char *check_family_name(enum check_family f)
{
	assert(f < CHECK_FAMILIES);
	return families[f].name;
}

const char *check_family_title(enum check_family f)
{
	assert(f < CHECK_FAMILIES);
	return families[f].title;
}

enum check_family check_family_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!strcmp(rows[i].check, name))
			return rows[i].family;
	}
	return CHECK_FAMILY_OTHER;
}
