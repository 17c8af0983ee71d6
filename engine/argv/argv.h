/* SPDX-License-Identifier: MIT */
/*
 * argv: from the source's QEMU command line to the destination's.
 *
 * Theory of operation. A table names every QEMU option and what becomes of it:
 * kept; rewritten (sockets, pid files, the machine type, paths); dropped (what
 * belonged to the source's own birth: -incoming, -loadvm, -daemonize, -S, and
 * our own monitors of an earlier hop); or refused (inherited descriptors and
 * what cannot move). An option that is not in the table is refused by name.
 *
 * Public UNIX sockets and pid files are bound inside the run directory at
 * first and renamed to where the source had them once the source is gone. The
 * mapping travels with the process in its environment (ARGV_ENV_*), so the
 * next hop finds the public names again: rebuilding is idempotent, and after
 * any number of hops argv equals the original with the machine type pinned.
 *
 * A file that QEMU gets open (-add-fd) is called /dev/fdset/N. The name that it
 * would have otherwise is the descriptor's opaque=, from where the next hop
 * takes it.
 *
 * Pure: strings in, strings out.
 */
#ifndef ENGINE_ARGV_ARGV_H
#define ENGINE_ARGV_ARGV_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/argv/argv_moves.h"
#include "transport/base/err.h"
#include "transport/base/strv.h"

/* ids of our own monitors: "vmferry0" (in band), "vmferry1" (rescue). */
#define ARGV_MONITOR_ID "vmferry"

struct argv_remap {
	const char *old_prefix, *new_prefix; /* whole path components */
};

/* A file that QEMU gets open: the user that it runs as may not open it. */
struct argv_hand {
	const char *path; /* as in argv_file */
	bool block;	  /* it is a block device */
};
/* Hand N is the descriptor of this number plus N, and the fdset of it, too. */
enum { ARGV_HAND_FD = 3, ARGV_HANDS_MAX = 7 };

struct argv_input {
	const struct strv *argv;	/* of the source, argv[0] first */
	const char *cwd;		/* where its relative paths resolve */
	const struct argv_moves *moves; /* from its environment */
	const char *machine;		/* versioned type to pin */
	const char *run_dir;		/* on the destination, absolute */
	const char *binary;		/* argv[0] on the destination */
	const struct argv_remap *remaps;
	size_t n_remaps;
	const struct argv_hand *hands; /* no more than ARGV_HANDS_MAX */
	size_t n_hands;
	bool same_host; /* both sides share one file system and network */
};

enum argv_file_kind {
	ARGV_IMAGE,    /* a disk image, opened by -drive/-blockdev/-hda … */
	ARGV_FIRMWARE, /* -bios, pflash, option ROMs */
	ARGV_BOOT,     /* -kernel, -initrd, -dtb */
	ARGV_RAM,      /* of the guest, mapped with share=on; may be missing */
	ARGV_TRACE,    /* begun anew by each QEMU; may be missing */
	ARGV_SECRET,   /* -object secret,file= and TLS directories */
	ARGV_OTHER,
};
struct argv_file {
	enum argv_file_kind kind;
	char *path;   /* on the destination, absolute */
	char *source; /* the same on the source */
	bool writable;
	bool directory;
	bool node;    /* a block node that can be handed over: argv_hand */
	bool reopens; /* with another access mode (auto-read-only=on) */
};
/* A bridge, tap or the like that must exist on the destination. */
struct argv_net {
	char *option; /* "-netdev bridge,id=n0,br=br0" */
	char *bridge; /* NULL */
	char *ifname; /* NULL */
	char *script; /* NULL */
};
enum argv_note_kind { ARGV_REFUSED, ARGV_WARNING, ARGV_CHANGED };
struct argv_note {
	enum argv_note_kind kind;
	char *option; /* what it is about, secrets blanked */
	char *text;   /* what was done, or why not, and the remedy */
};

struct argv_plan {
	struct strv argv; /* complete: -S, -incoming defer, our monitors */
	struct argv_moves moves;   /* sockets and pid file to be renamed */
	char *monitor0, *monitor1; /* our QMP sockets in run_dir */
	char *cwd; /* to start QEMU in; remapped; NULL when not needed */
	struct argv_file *files;
	size_t n_files;
	struct argv_net *nets;
	size_t n_nets;
	struct argv_note *notes;
	size_t n_notes;
	bool *remapped; /* of each of the input's remaps: a path needed it */
};

/*
 * Fills @out (zeroed before). Refusals are notes, not errors, so that all of
 * them can be shown at once; -1 is for a command line that cannot be read at
 * all (ERR_REFUSED).
 */
int argv_rebuild(const struct argv_input *in, struct argv_plan *out,
		 struct err *err);
void argv_plan_free(struct argv_plan *p);

/*
 * The public command line: what a rebuild starts from. Sockets back at their
 * public names, our own additions gone.
 */
void argv_restore(const struct strv *argv, const struct argv_moves *moves,
		  struct strv *out);

/*
 * What the file @name was called before QEMU got it open, as its command line
 * @argv has it; to be freed. NULL: it was not.
 */
char *argv_handed_name(const struct strv *argv, const char *name);

/* A copy in which passwords, keys and secret data are "***". */
void argv_blank_secrets(const struct strv *argv, struct strv *out);
/*
 * A copy of @text, somebody's words about @argv, without the secrets of @argv
 * (argv_secret.h); to be freed.
 */
char *argv_blank_text(const struct strv *argv, const char *text);

/*
 * Reads a --dest-args file: one argument a line, '#' comments and blank lines
 * ignored. ERR_USAGE names the line.
 */
int argv_file_parse(const char *text, size_t len, struct strv *out,
		    struct err *err);

#endif
