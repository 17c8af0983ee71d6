/* SPDX-License-Identifier: MIT */
/*
 * argv_do: what can become of an option; the verbs of argv_table.c.
 *
 * Each puts the option's destination form into the plan, or notes why there
 * is none.
 */
#ifndef ENGINE_ARGV_ARGV_DO_H
#define ENGINE_ARGV_ARGV_DO_H

#include "engine/argv/argv_item.h"
#include "engine/argv/argv_work.h"

/* argv_do.c: any option */
argv_handler argv_do_keep;
argv_handler argv_do_drop; /* with a note if the table has a text */
argv_handler argv_do_refuse;
argv_handler argv_do_path; /* the value is a path */
argv_handler argv_do_machine;
argv_handler argv_do_pidfile;
argv_handler argv_do_logfile; /* -D */
argv_handler argv_do_trace;
argv_handler argv_do_run_with;
/* What QEMU adds by itself, if it would not work without a terminal. */
void argv_do_defaults(struct argv_work *w);

/* argv_do_files.c: options that name files besides others */
argv_handler argv_do_initrd;
argv_handler argv_do_firmware; /* looked up in QEMU's own directories, too */
argv_handler argv_do_boot;
argv_handler argv_do_fw_cfg;
argv_handler argv_do_smbios;
argv_handler argv_do_acpitable;
argv_handler argv_do_option_rom;
argv_handler argv_do_plugin;
argv_handler argv_do_tpmdev;
argv_handler argv_do_set;
argv_handler argv_do_icount;
argv_handler argv_do_audio;

/* argv_do_disk.c */
argv_handler argv_do_disk; /* the value is an image */
argv_handler argv_do_drive;
argv_handler argv_do_blockdev;

/* argv_do_chardev.c */
argv_handler argv_do_chardev;

/* argv_do_line.c */
argv_handler argv_do_line;    /* -serial and the like */
argv_handler argv_do_monitor; /* -monitor, -qmp, -qmp-pretty */
argv_handler argv_do_gdb;

/* argv_do_socket.c: what those two and others have in common */

/* True when @it bound a UNIX socket; it is dealt with then. */
bool argv_do_bind(struct argv_work *w, const struct argv_item *it);
/* A port or name that can be had once a host. False: refused. */
bool argv_do_listen(struct argv_work *w, const struct argv_item *it,
		    bool monitor);
/* A UNIX socket that QEMU connects to, in the key "path". */
void argv_do_client(struct argv_work *w, const struct argv_item *it,
		    struct argv_opt *o);
/* A server socket must not hold QEMU up until somebody connects. */
void argv_do_wait_off(struct argv_work *w, const struct argv_item *it,
		      struct argv_opt *o);

/* argv_do_display.c */
argv_handler argv_do_display;
argv_handler argv_do_vnc;
argv_handler argv_do_spice;

/* argv_do_net.c */
argv_handler argv_do_netdev; /* -netdev, -nic, -net */

/* argv_do_object.c */
argv_handler argv_do_object;
argv_handler argv_do_device;

#endif
