/* SPDX-License-Identifier: MIT */
/*
 * settings: what the user asked for, whichever way it was said.
 *
 * Command line first, then the environment, then the user's file, then the
 * machine's. One struct serves all commands; the option tables say which
 * command takes what.
 */
#ifndef TOOLS_CLI_SETTINGS_H
#define TOOLS_CLI_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/base/strv.h"

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

enum { SETTINGS_MAX_GIVEN = 64 };

/* Strings are owned. */
struct settings {
	bool help;

	/* speech */
	bool json;
	char *events;	 /* "FILE" or "fd:N" */
	char *state_dir; /* NULL: the usual one */
	bool quiet;
	int verbose;
	int color; /* enum color */

	/* login */
	char *identity;
	char *known_hosts;
	char *ssh_config;
	bool accept_new_host_key;
	int ssh;    /* enum host_backend_choice */
	int become; /* enum host_become_choice */
	bool no_input;

	/* migration */
	double max_blackout_ms;
	double deadline_s; /* 0: none */
	int on_deadline;   /* enum on_deadline */
	int xbzrle;	   /* enum migrate_xbzrle */
	int transport;	   /* enum lane_choice */
	bool insecure;
	uint64_t bandwidth_bps; /* bytes/s, 0: unlimited */
	struct strv remaps;	/* "OLD=NEW" */
	char *dest_args;
	char *qemu_binary;
	bool paused;
	bool wait;
	int parallel;
	bool dry_run;
	double watch_source_s;
	struct strv skip_checks;

	/* policies */
	char *policy; /* NULL: all of them, where that makes sense */
	int throttle; /* MIGRATE_THROTTLE_… or percent */

	/* forecast */
	double rehearse_s; /* 0: as is usual */
	bool quick;

	/* recovery */
	bool all;
	int force_source; /* enum verdict_choice */

	/* owns */
	bool claim;

	/* vmferry help */
	bool man;
	char *completion;

	/*
	 * Offsets of the members that were given so far: a later, weaker layer
	 * leaves those alone.
	 */
	size_t given[SETTINGS_MAX_GIVEN];
	size_t n_given;
};

void settings_init(struct settings *s);
void settings_free(struct settings *s);
/* Whether one of the first @n_given notes is about the member at @offset. */
bool settings_given(const struct settings *s, size_t n_given, size_t offset);
void settings_note(struct settings *s, size_t offset);

#endif
