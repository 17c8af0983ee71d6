/* SPDX-License-Identifier: MIT */
/* argv_table: every option of QEMU and what becomes of it. */
#include "engine/argv/argv_table.h"

#include <string.h>

#include "engine/argv/argv_do.h"
#include "transport/base/xalloc.h"

#define FLAG(opt, verb)                                 \
	{                                               \
		.name = (opt), .handle = argv_do_##verb \
	}
#define FLAG_WHY(opt, verb, text)                                      \
	{                                                              \
		.name = (opt), .handle = argv_do_##verb, .why = (text) \
	}
#define PLAIN(opt, verb)                                                 \
	{                                                                \
		.name = (opt), .has_arg = true, .handle = argv_do_##verb \
	}
#define PLAIN_WHY(opt, verb, text)                                        \
	{                                                                 \
		.name = (opt), .has_arg = true, .handle = argv_do_##verb, \
		.why = (text)                                             \
	}
#define FILE_OF(opt, verb, kind)                                          \
	{                                                                 \
		.name = (opt), .has_arg = true, .handle = argv_do_##verb, \
		.file = (kind)                                            \
	}
#define OPTS(opt, first, verb)                                             \
	{                                                                  \
		.name = (opt), .has_arg = true, .syntax = ARGV_SYNTAX_OPT, \
		.implied = (first), .handle = argv_do_##verb               \
	}
#define OPTS_WHY(opt, first, verb, text)                                    \
	{                                                                   \
		.name = (opt), .has_arg = true, .syntax = ARGV_SYNTAX_OPT,  \
		.implied = (first), .handle = argv_do_##verb, .why = (text) \
	}
#define LINE(opt, verb)                                                        \
	{                                                                      \
		.name = (opt), .has_arg = true, .syntax = ARGV_SYNTAX_CHARDEV, \
		.handle = argv_do_##verb                                       \
	}

static const char why_9p[] =
	"QEMU cannot migrate a mounted 9p share; start the guest without it";
static const char why_xen[] = "Xen guests are not migrated by QEMU alone";
static const char why_fd[] = "the descriptor was inherited by the source and "
			     "cannot be opened again; name the file instead";
static const char why_run_once[] =
	"such a QEMU does not run a guest that could be moved";
static const char why_config[] =
	"what this file says is used over there as it is, sockets and paths "
	"included";
static const char why_window[] = "dropped: there is no window over there";

static const struct argv_def table[] = {
	/* Standard options */
	FLAG_WHY("h", refuse, why_run_once),
	FLAG_WHY("help", refuse, why_run_once),
	FLAG_WHY("version", refuse, why_run_once),
	OPTS("machine", "type", machine),
	OPTS("M", "type", machine),
	OPTS("cpu", "model", keep),
	OPTS("accel", "accel", keep),
	OPTS("smp", "cpus", keep),
	OPTS("numa", "type", keep),
	OPTS_WHY("add-fd", NULL, refuse, why_fd),
	PLAIN("set", set),
	PLAIN("global", keep),
	OPTS("boot", "order", boot),
	OPTS("m", "size", keep),
	FILE_OF("mem-path", path, ARGV_OTHER),
	FLAG("mem-prealloc", keep),
	PLAIN("k", keep),
	FLAG_WHY("audio-help", refuse, why_run_once),
	PLAIN("soundhw", keep),
	OPTS("audio", "driver", audio),
	OPTS("audiodev", "driver", audio),
	PLAIN("balloon", keep),
	OPTS("device", "driver", device),
	OPTS("name", "guest", keep),
	PLAIN("uuid", keep),

	/* Block devices */
	FILE_OF("", disk, ARGV_IMAGE),
	FILE_OF("fda", disk, ARGV_IMAGE),
	FILE_OF("fdb", disk, ARGV_IMAGE),
	FILE_OF("hda", disk, ARGV_IMAGE),
	FILE_OF("hdb", disk, ARGV_IMAGE),
	FILE_OF("hdc", disk, ARGV_IMAGE),
	FILE_OF("hdd", disk, ARGV_IMAGE),
	FILE_OF("cdrom", disk, ARGV_IMAGE),
	FILE_OF("mtdblock", disk, ARGV_IMAGE),
	FILE_OF("sd", disk, ARGV_IMAGE),
	FILE_OF("pflash", disk, ARGV_FIRMWARE),
	OPTS("blockdev", "driver", blockdev),
	OPTS("drive", NULL, drive),
	FLAG_WHY("snapshot", refuse,
		 "what the guest wrote is in temporary files of the source; "
		 "commit them and start it without -snapshot"),
	OPTS_WHY("fsdev", "fsdriver", refuse, why_9p),
	OPTS_WHY("virtfs", "fsdriver", refuse, why_9p),
	FLAG_WHY("virtfs_synth", refuse, why_9p),
	OPTS("iscsi", NULL, keep),

	/* USB */
	FLAG("usb", keep),
	PLAIN("usbdevice", keep),

	/* Display */
	OPTS("display", "type", display),
	FLAG("nographic", keep),
	FLAG_WHY("sdl", drop, why_window),
	FLAG_WHY("curses", drop, why_window),
	FLAG_WHY("no-frame", drop, NULL),
	FLAG_WHY("alt-grab", drop, NULL),
	FLAG_WHY("ctrl-grab", drop, NULL),
	FLAG_WHY("no-quit", drop, NULL),
	FLAG("full-screen", keep),
	FLAG("portrait", keep),
	PLAIN("rotate", keep),
	PLAIN("g", keep),
	PLAIN("vga", keep),
	OPTS("vnc", "vnc", vnc),
	OPTS("spice", NULL, spice),

	/* i386 */
	FLAG("win2k-hack", keep),
	FLAG("no-fd-bootchk", keep),
	FLAG("no-acpi", keep),
	FLAG("no-hpet", keep),
	OPTS("acpitable", NULL, acpitable),
	OPTS("smbios", NULL, smbios),

	/* Network */
	OPTS("netdev", "type", netdev),
	OPTS("nic", "type", netdev),
	OPTS("net", "type", netdev),

	/* Character devices */
	OPTS("chardev", "backend", chardev),
	LINE("serial", line),
	LINE("parallel", line),
	LINE("debugcon", line),
	LINE("monitor", monitor),
	LINE("qmp", monitor),
	LINE("qmp-pretty", monitor),
	OPTS("mon", "chardev", keep),
	LINE("gdb", gdb),
	FLAG("s", gdb),
	PLAIN("echr", keep),
	LINE("virtioconsole", line),

	/* TPM */
	OPTS("tpmdev", "type", tpmdev),

	/* Boot images */
	FILE_OF("bios", firmware, ARGV_FIRMWARE),
	FILE_OF("kernel", path, ARGV_BOOT),
	FILE_OF("shim", path, ARGV_BOOT),
	PLAIN("append", keep),
	FILE_OF("initrd", initrd, ARGV_BOOT),
	FILE_OF("dtb", path, ARGV_BOOT),
	OPTS("option-rom", "romfile", option_rom),
	OPTS("fw_cfg", "name", fw_cfg),
	PLAIN("L", firmware),

	/* Life of the process */
	OPTS("compat", NULL, keep),
	PLAIN("pidfile", pidfile),
	FLAG("singlestep", keep),
	FLAG_WHY("preconfig", refuse,
		 "what was set up over QMP before the machine was made is not "
		 "in its command line; start the guest without -preconfig"),
	FLAG("S", drop),
	OPTS("overcommit", NULL, keep),
	PLAIN("realtime", keep),
	FLAG("enable-kvm", keep),
	FLAG("enable-hax", keep),
	FLAG("no-kvm", keep),
	PLAIN("tb-size", keep),
	PLAIN_WHY("xen-domid", refuse, why_xen),
	FLAG_WHY("xen-attach", refuse, why_xen),
	FLAG_WHY("xen-create", refuse, why_xen),
	FLAG_WHY("xen-domid-restrict", refuse, why_xen),
	FLAG("no-reboot", keep),
	FLAG("no-shutdown", keep),
	OPTS("action", NULL, keep),
	PLAIN("loadvm", drop),
	FLAG("daemonize", drop),
	OPTS("rtc", NULL, keep),
	OPTS("icount", "shift", icount),
	PLAIN("watchdog", keep),
	PLAIN("watchdog-action", keep),
	PLAIN("incoming", drop),
	FLAG("only-migratable", keep),
	FLAG("nodefaults", keep),
	PLAIN_WHY("chroot", refuse,
		  "its paths mean something else inside the chroot; start the "
		  "guest without it"),
	PLAIN_WHY("runas", drop,
		  "dropped: it is started as that user to begin with"),
	OPTS("sandbox", "enable", keep),
	OPTS("run-with", NULL, run_with),
	FLAG("async-teardown", keep),
	{ .name = "readconfig",
	  .has_arg = true,
	  .handle = argv_do_path,
	  .file = ARGV_OTHER,
	  .why = why_config },
	PLAIN_WHY("writeconfig", drop, NULL),
	FLAG("no-user-config", keep),
	FLAG("nodefconfig", keep),
	FLAG("nouserconfig", keep),

	/* Debugging */
	PLAIN("d", keep),
	PLAIN("D", logfile),
	PLAIN("dfilter", keep),
	PLAIN("seed", keep),
	OPTS("trace", "enable", trace),
	OPTS("plugin", "file", plugin),
	OPTS("msg", NULL, keep),
	PLAIN_WHY("dump-vmstate", refuse, why_run_once),
	FLAG("enable-sync-profile", keep),
	FLAG("perfmap", keep),
	FLAG("jitdump", keep),
	FLAG("semihosting", keep),
	OPTS("semihosting-config", "enable", keep),
	FLAG("old-param", keep),
	PLAIN("prom-env", keep),
	PLAIN_WHY("qtest", refuse, why_run_once),
	PLAIN_WHY("qtest-log", refuse, why_run_once),

	OPTS("object", "qom-type", object),
};

static const struct argv_def *find_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (!strcmp(table[i].name, name))
			return &table[i];
	}
	return NULL;
}

const struct argv_def *argv_table_find(const char *word)
{
	const char *name = word;

	if (*name != '-')
		return find_name(""); /* a disk image */
	name++;
	if (*name == '-')
		name++;
	return *name ? find_name(name) : NULL;
}
