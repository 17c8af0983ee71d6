/* SPDX-License-Identifier: MIT */
/* vmferry owns: whether this host may run a guest; for scripts and units. */
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/recover/owns.h"
#include "tools/cli/cli.h"
#include "tools/cli/group.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

/* "on 2026-11-30 19:20:11", or nothing. */
static char *when(double t)
{
	time_t s = (time_t)t;
	char text[64];
	struct tm tm;

	if (!(t > 0) || !localtime_r(&s, &tm) ||
	    !strftime(text, sizeof(text), " on %Y-%m-%d %H:%M:%S", &tm))
		return xstrdup("");
	return xstrdup(text);
}

/* "web1", or "web1 of alice" when it is not the asker's. */
static char *whose(const struct owns *o, const char *guest)
{
	const struct moved *m = &o->moved;

	if (!m->run || m->uid == geteuid() || strchr(guest, '/'))
		return xstrdup(guest);
	return xasprintf("%s of %s", guest,
			 *m->user ? m->user : "another user");
}

static char *last_line(const struct owns *o, const char *guest)
{
	AUTO_FREE char *at = when(o->moved.moved_s);
	AUTO_FREE char *who = whose(o, guest);

	switch (o->answer) {
	case OWNS_HERE:
		return xasprintf("%s%s may run on this host.", guest,
				 o->claimed ? " was claimed: it" : "");
	case OWNS_MOVED:
		return xasprintf("%s was moved to %s%s (%s). It must not be "
				 "started here.",
				 who, o->moved.destination, at, o->moved.run);
	default:
		return xasprintf("It is not decided that %s may run on this "
				 "host. It must not be started here.",
				 guest);
	}
}

static int finish(struct cli *cli, const struct owns *o)
{
	const char *guest = cli->operands.v[0];
	struct style style = cli_people_style(cli);
	AUTO_FREE char *line = last_line(o, guest);
	AUTO_BUF struct buf b = { 0 };

	for (size_t i = 0; i < o->notes.n; i++)
		ui_note(&cli->ui, "%s", o->notes.v[i]);
	if (o->why.kind != ERR_NONE)
		cli_print_error(cli, &o->why);
	text_put(&b, style.utf8, line);
	buf_append(&b, "\n", 1);
	cli_print_people(cli, &b);
	if (cli->settings.json)
		(void)cli_print_json(owns_to_json(o, guest), 0);
	/* a closed standard output makes no other answer */
	(void)cli_end(0);
	return owns_exit_code(o->answer);
}

static int run(struct cli *cli)
{
	AUTO_ERR struct err err = { 0 };
	struct owns_options opt = {
		.guest = cli->operands.v[0],
		.state_dir = cli->settings.state_dir,
		.program = "/proc/self/exe",
	};
	struct owns o;
	int rc, code;

	cli_host_options(cli, &opt.ssh);
	rc = cli->settings.claim ? owns_claim(&opt, &o, &err)
				 : owns_ask(&opt, &o, &err);
	code = rc < 0 ? cli_usage(cli, &err) : finish(cli, &o);
	owns_free(&o);
	return code;
}

static const struct option_group *const groups[] = {
	&group_owns,   &group_state,   &group_login,
	&group_speech, &group_general, NULL,
};

const struct command cmd_owns = {
	.name = "owns",
	.args = "GUEST",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "says whether this host may run a guest; for start scripts",
	.description =
		"For scripts and units that start guests: says whether GUEST "
		"(a name or a UUID) may run on this host, from what is on its "
		"disk. The exit code is 0 when it may, also for a guest "
		"that vmferry knows nothing of; 1 when it was moved away, and "
		"where to; 7 when it is not decided yet, as vmferry recover "
		"does, or not known since a file cannot be read. 1 is an "
		"answer here, errors are 2 or more: as "
		"ExecCondition= of a systemd unit it keeps the unit from "
		"being started, without a failure.\n\n"
		"The mark of a move is on disk before the guest's QEMU quits "
		"on the source, survives a reboot, and goes when vmferry "
		"brings the guest back. The guest's user learns of what root "
		"has moved, too, with any --state-dir; of what another user "
		"has moved only root does.\n\n"
		"A guest that is back by other means is claimed: --claim. That "
		"is refused when the host that it went to answers that it runs "
		"there, or was moved on from there, or that this cannot be "
		"known; and for a guest that root has moved, unless root asks. "
		"What another user has moved root claims with that user's "
		"rights and keys."
		"\n\n"
		"The guest is yours. USER/NAME or USER/UUID is that user's "
		"guest alone, whatever others call theirs; only root may ask "
		"for another user's. For a name alone root is also answered "
		"for another user's guest that root has moved, when nothing is "
		"known of one of root's and none runs here. What users have "
		"moved by themselves is their word, in "
		"~/.local/state/vmferry: it counts for USER/NAME, and for a "
		"name alone in a unit whose User=, or whose QEMU's -runas, is "
		"that user. Else it is not decided (7) whose is meant.\n\n"
		"--json: guest, outcome (here, moved, undecided, refused), "
		"exit_code, owner (source is this host), run, uuid, user, "
		"source, "
		"destination, moved (wall clock, seconds), claimed, notes "
		"(what "
		"was passed over), error.",
	.examples = "vmferry owns web1 && exec /srv/vm/web1.sh\n"
		    "vmferry owns alice/web1\n"
		    "vmferry owns web1 --claim",
	.groups = groups,
	.run = run,
	.internal_code = EXIT_CODE_UNDECIDED,
};
