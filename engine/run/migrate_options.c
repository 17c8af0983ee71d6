/* SPDX-License-Identifier: MIT */
/* migrate_options: what a caller may ask of a migration. */
#include "engine/run/migrate_options.h"

#include <string.h>

void migrate_options_init(struct migrate_options *opt)
{
	*opt = (struct migrate_options){ .max_blackout_ms = 300,
					 .parallel = 2,
					 .watch_source_s = 30 };
}

const char *const migrate_options_checks[] = {
	"unfinished",	"state",	 "manager",	 "restart",
	"boot",		"supervisor",	 "same-host",	 "ssh-library",
	"remap",	"guardian",	 "tools",	 "forwarding",
	"lingering",	"migratable",	 "jobs",	 "hotplug",
	"locking",	"inactive",	 "command-line", "qemu-fault",
	"qemu",		"qemu-replaced", "machine",	 "version",
	"kvm",		"cpu",		 "memory",	 "hugepages",
	"memlock",	"user",		 "disk",	 "file",
	"access",	"bridge",	 "directory",	 "ram-file",
	"trace-file",	"same-guest",	 "name-in-use",	 "group",
	"keyring",	"transport",	 "room",	 "become",
	"active-image", "tap",		 "mac",		 "port",
	"user-network", "password",	 "console",	 "socket",
	NULL,
};

bool migrate_options_check_known(const char *name)
{
	for (size_t i = 0; migrate_options_checks[i]; i++) {
		if (!strcmp(migrate_options_checks[i], name))
			return true;
	}
	return false;
}
