/* SPDX-License-Identifier: MIT */
/* discover_owner: who started a guest and who else manages it. */
#include "engine/guest/discover_owner.h"

#include <string.h>

#include "transport/base/xalloc.h"

/* --- managers ------------------------------------------------------------ */

/* A text that only this manager puts into command lines or groups. */
static const struct {
	const char *manager;
	const char *in_argv, *in_cgroup; /* either may be NULL */
} marks[] = {
	{ "libvirt", "/lib/libvirt/qemu/", "machine-qemu" },
	{ "libvirt", "/libvirt/qemu/lib/", NULL },
	{ "libvirt", "/run/libvirt/", NULL },
	{ "proxmox", "/run/qemu-server/", "/qemu.slice/" },
	{ "proxmox", "/etc/pve/", NULL },
	{ "incus", "/run/incus/", "/incus" },
	{ "incus", "/var/lib/incus/", NULL },
	{ "lxd", "/snap/lxd/", "/lxd" },
	{ "lxd", "/var/lib/lxd/", NULL },
	{ "lxd", "/run/lxd/", NULL },
	{ "ganeti", "/ganeti/kvm-hypervisor/", "/ganeti" },
	{ "kata", "/run/vc/vm/", "/kata_" },
	{ "multipass", "/multipassd/", NULL },
	{ "lima", "/.lima/", NULL },
	{ "podman machine", "/containers/podman/machine/", NULL },
};

static bool argv_has(const struct strv *argv, const char *text)
{
	for (size_t i = 1; i < argv->n; i++) {
		if (strstr(argv->v[i], text))
			return true;
	}
	return false;
}

static const char *manager(const struct guest *g, const char *group)
{
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		if ((marks[i].in_argv &&
		     argv_has(&g->argv, marks[i].in_argv)) ||
		    (marks[i].in_cgroup && strstr(group, marks[i].in_cgroup)))
			return marks[i].manager;
	}
	return NULL;
}

/* --- control group and unit ---------------------------------------------- */

static char *group_path(const char *lines, const char *prefix)
{
	size_t len = strlen(prefix);

	while (*lines) {
		size_t line = strcspn(lines, "\n");

		if (!strncmp(lines, prefix, len))
			return xstrndup(lines + len, line - len);
		lines += line + (lines[line] == '\n');
	}
	return NULL;
}

static bool ends_in(const char *s, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len > n && !memcmp(s + len - n, suffix, n);
}

/*
 * Sessions and the user manager are no units that would start a guest again.
 */
static bool is_unit(const char *s, size_t len)
{
	if (!strncmp(s, "session-", 8) || !strncmp(s, "user@", 5) ||
	    !strncmp(s, "init.scope", 10))
		return false;
	return ends_in(s, len, ".service") || ends_in(s, len, ".scope");
}

/* The innermost unit of a path of control groups; to be freed. */
static char *unit_of(const char *path)
{
	const char *found = NULL;
	size_t found_len = 0;

	while (path && *path) {
		size_t len = strcspn(path, "/");

		if (is_unit(path, len)) {
			found = path;
			found_len = len;
		}
		path += len + (path[len] == '/');
	}
	return found ? xstrndup(found, found_len) : NULL;
}

/* What is below user@UID.service belongs to that user's manager. */
static bool is_below_user(const char *path)
{
	const char *at = path ? strstr(path, "/user@") : NULL;

	return at && strstr(at, ".service/");
}

/* --- what people call it ------------------------------------------------- */

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static bool runs_scripts(const char *command)
{
	static const char *const names[] = { "sh",   "bash", "dash",
					     "zsh",  "ksh",  "busybox",
					     "perl", "ruby", "fish" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(command, names[i]))
			return true;
	}
	return !strncmp(command, "python", 6);
}

/* "/root/run-db2.sh" of "bash -e /root/run-db2.sh db2"; else "bash". */
static char *command_of(const struct strv *parent)
{
	const char *command;

	if (!parent->n)
		return NULL;
	command = base_of(parent->v[0] + (parent->v[0][0] == '-'));
	for (size_t i = 1; runs_scripts(command) && i < parent->n; i++) {
		const char *word = parent->v[i];

		if (!strcmp(word, "-c"))
			break;
		if (*word != '-' && strncmp(word, "/dev/", 5) != 0)
			return xstrdup(word);
	}
	return xstrdup(command);
}

void discover_owner(struct guest *g, const char *group,
		    const struct strv *parent)
{
	AUTO_FREE char *unified = group_path(group, "0::");
	AUTO_FREE char *legacy = group_path(group, "1:name=systemd:");
	const char *who = manager(g, group);
	bool in_unified = unified && strcmp(unified, "/") != 0;

	g->unit = unit_of(in_unified ? unified : legacy);
	g->user_unit = is_below_user(in_unified ? unified : legacy);
	g->cgroup = unified ? STEAL(unified) : xstrdup("");
	g->manager = xstrdup(who);
	g->started_by = g->unit && ends_in(g->unit, strlen(g->unit), ".service")
				? xstrdup(g->unit)
				: command_of(parent);
}
