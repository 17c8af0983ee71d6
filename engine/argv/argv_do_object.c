/* SPDX-License-Identifier: MIT */
/* argv_do_object: -object and -device. */
#include <string.h>

#include "engine/argv/argv_do.h"
#include "transport/base/xalloc.h"

/* One thing to know about a type of object or driver. */
struct rule {
	const char *type; /* a trailing '*' matches anything */
	enum { REFUSE, WARN, SAME_HOST } verdict;
	const char *text;
};

static const char confidential[] =
	"the memory of a confidential guest cannot be migrated";
static const char passthrough[] =
	"hardware of this host is in the guest and cannot come along; unplug "
	"it first (device_del) and start the guest without it";
static const char graphics[] =
	"what the guest draws lives in the graphics card of this host; use "
	"virtio-vga";
static const char other_end[] =
	"a process outside of QEMU serves this; it must run over there, too";

static const struct rule object_rules[] = {
	{ "sev-guest", REFUSE, confidential },
	{ "sev-snp-guest", REFUSE, confidential },
	{ "tdx-guest", REFUSE, confidential },
	{ "igvm-cfg", REFUSE, confidential },
	{ "x-remote-object", REFUSE, other_end },
	{ "x-vfio-user-server", REFUSE, other_end },
	{ "vfio-user-server", REFUSE, other_end },
	{ "secret_keyring", WARN, "the key must be in the keyring over there" },
	{ "input-linux", WARN, "an input device of the host" },
	{ "can-host-socketcan", WARN, "its interface must exist over there" },
	{ "pr-manager-helper", WARN, other_end },
	{ "dbus-vmstate", WARN, other_end },
};

static const struct rule device_rules[] = {
	{ "vfio-pci*", REFUSE, passthrough },
	{ "vfio-ap", REFUSE, passthrough },
	{ "vfio-ccw", REFUSE, passthrough },
	{ "vfio-user-pci", REFUSE, other_end },
	{ "pci-assign", REFUSE, passthrough },
	{ "kvm-pci-assign", REFUSE, passthrough },
	{ "virtio-9p*", REFUSE,
	  "QEMU cannot migrate a mounted 9p share; start "
	  "the guest without it" },
	{ "ivshmem*", REFUSE,
	  "its shared memory belongs to this host; start "
	  "the guest without it" },
	{ "x-pci-proxy-dev", REFUSE, other_end },
	{ "vhost-scsi*", REFUSE,
	  "its disk lives in this host's kernel; use "
	  "virtio-scsi" },
	{ "vhost-vsock*", SAME_HOST,
	  "on one host the source still has this "
	  "guest-cid" },
	{ "virtio-vga-gl", REFUSE, graphics },
	{ "virtio-gpu-gl*", REFUSE, graphics },
	{ "virtio-vga-rutabaga", REFUSE, graphics },
	{ "virtio-gpu-rutabaga*", REFUSE, graphics },
	{ "vhost-user-*", WARN, other_end },
	{ "usb-host", WARN,
	  "a USB device of this host: the guest sees it "
	  "unplugged" },
	{ "scsi-block", WARN, "the same physical disk must be over there" },
	{ "scsi-generic", WARN, "the same physical disk must be over there" },
};

static bool matches(const char *pattern, const char *type)
{
	size_t len = strlen(pattern);

	if (pattern[len - 1] == '*')
		return !strncmp(pattern, type, len - 1);
	return !strcmp(pattern, type);
}

static void apply(struct argv_work *w, const struct argv_item *it,
		  const struct rule *r)
{
	if (r->verdict == WARN)
		argv_work_warn(w, it, "%s", r->text);
	else if (r->verdict == REFUSE || w->in->same_host)
		argv_work_refuse(w, it, "%s", r->text);
}

static void apply_first(struct argv_work *w, const struct argv_item *it,
			const char *type, const struct rule *rules, size_t n)
{
	for (size_t i = 0; type && i < n; i++) {
		if (matches(rules[i].type, type)) {
			apply(w, it, &rules[i]);
			return;
		}
	}
}

/* A key of some types that names a file. */
struct file_key {
	const char *type;
	const char *key;
	struct argv_use use;
};

static void apply_files(struct argv_work *w, const struct argv_item *it,
			struct argv_opt *o, const char *type,
			const struct file_key *keys, size_t n)
{
	for (size_t i = 0; type && i < n; i++) {
		if (matches(keys[i].type, type))
			argv_work_opt_key(w, it, o, keys[i].key, keys[i].use);
	}
}

/* --- objects ------------------------------------------------------------- */

#define SECRET                      \
	{                           \
		.kind = ARGV_SECRET \
	}
#define SECRET_DIR                                     \
	{                                              \
		.kind = ARGV_SECRET, .directory = true \
	}
#define OTHER                      \
	{                          \
		.kind = ARGV_OTHER \
	}
#define OTHER_RW                                     \
	{                                            \
		.kind = ARGV_OTHER, .writable = true \
	}

static const struct file_key object_files[] = {
	{ "secret", "file", SECRET },
	{ "tls-creds-*", "dir", SECRET_DIR },
	{ "tls-cipher-suites", "file", OTHER },
	{ "authz-list-file", "filename", OTHER },
	{ "rng-random", "filename", OTHER },
	{ "input-linux", "evdev", OTHER_RW },
	{ "pr-manager-helper", "path", OTHER_RW },
};

/*
 * A directory gets an anonymous file of each QEMU's own; whether this is one,
 * and whether both hosts have the same file there, only they know.
 */
static void ram_file(struct argv_work *w, const struct argv_item *it,
		     struct argv_opt *o)
{
	const char *path = argv_opt_get(o, "mem-path");
	bool shared = argv_opt_bool(o, "share", false) &&
		      !argv_opt_bool(o, "readonly", false);

	if (path && *path && shared)
		argv_work_parent(w, path);
	argv_work_opt_key(w, it, o, "mem-path",
			  (struct argv_use){ .kind = shared ? ARGV_RAM
							    : ARGV_OTHER,
					     .writable = true });
}

/* A capture file, which is begun anew. */
static void capture(struct argv_work *w, const struct argv_item *it,
		    struct argv_opt *o)
{
	const char *path = argv_opt_get(o, "file");
	AUTO_FREE char *there = NULL;

	if (!path)
		return;
	if (w->in->same_host) {
		argv_work_refuse(w, it,
				 "on one host the destination would "
				 "empty the capture that the source writes");
		return;
	}
	argv_work_parent(w, path);
	argv_work_file(w, path,
		       (struct argv_use){ .kind = ARGV_TRACE,
					  .writable = true });
	there = argv_work_path(w, path);
	argv_opt_set(o, "file", there);
}

void argv_do_object(struct argv_work *w, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };
	const char *type;

	argv_opt_init(&o, it->value, it->def->implied);
	if (argv_work_has_fd(w, it, &o))
		return;
	type = argv_opt_get(&o, "qom-type");
	apply_first(w, it, type, object_rules, ARRAY_SIZE(object_rules));
	apply_files(w, it, &o, type, object_files, ARRAY_SIZE(object_files));
	if (argv_opt_is(&o, "qom-type", "memory-backend-file"))
		ram_file(w, it, &o);
	if (argv_opt_is(&o, "qom-type", "filter-dump"))
		capture(w, it, &o);
	argv_work_emit_opt(w, it, &o);
}

/* --- devices ------------------------------------------------------------- */

static const struct file_key device_files[] = {
	{ "loader", "file", { .kind = ARGV_BOOT } },
	{ "guest-loader", "kernel", { .kind = ARGV_BOOT } },
	{ "guest-loader", "initrd", { .kind = ARGV_BOOT } },
	{ "ipmi-bmc-sim", "sdrfile", OTHER },
	{ "ipmi-bmc-sim", "frudatafile", OTHER },
	{ "usb-mtp", "rootdir", { .kind = ARGV_OTHER, .directory = true } },
	{ "vhost-vdpa-*", "vhostdev", OTHER_RW },
};

/*
 * A bare name is looked up in QEMU's own directories; only with a slash is it
 * a place that can be checked.
 */
static void option_rom(struct argv_work *w, const struct argv_item *it,
		       struct argv_opt *o)
{
	const char *rom = argv_opt_get(o, "romfile");

	if (rom && strchr(rom, '/'))
		argv_work_opt_key(w, it, o, "romfile",
				  (struct argv_use){ .kind = ARGV_FIRMWARE });
}

void argv_do_device(struct argv_work *w, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };
	const char *type;

	argv_opt_init(&o, it->value, it->def->implied);
	if (argv_work_has_fd(w, it, &o))
		return;
	type = argv_opt_get(&o, "driver");
	apply_first(w, it, type, device_rules, ARRAY_SIZE(device_rules));
	apply_files(w, it, &o, type, device_files, ARRAY_SIZE(device_files));
	option_rom(w, it, &o);
	argv_work_emit_opt(w, it, &o);
}
