/* SPDX-License-Identifier: MIT */
/* group: the options, in the groups that commands take. */
#include "tools/cli/group.h"

#include "transport/base/xalloc.h"

static const char *const color_words[] = { "auto", "always", "never", NULL };
static const char *const ssh_words[] = { "auto", "libssh2", "openssh", NULL };
static const char *const become_words[] = { "none", "sudo", NULL };
/* Of enum lane_choice. */
static const char *const transport_words[] = { "ssh", "openssh", "tcp", "auto",
					       NULL };
static const char *const xbzrle_words[] = { "auto", "on", "off", NULL };
static const char *const on_deadline_words[] = { "abort", "force", NULL };

#define AT(member) .offset = offsetof(struct settings, member)

static const struct option general_options[] = {
	{
		.name = "help",
		.letter = 'h',
		.set = option_set_flag,
		AT(help),
		.help = "Shows this help.",
	},
};
const struct option_group group_general = {
	"Help",
	general_options,
	ARRAY_SIZE(general_options),
};

static const struct option speech_options[] = {
	{
		.name = "json",
		.set = option_set_flag,
		AT(json),
		.help = "Prints the result as one JSON object on standard "
			"output; everything meant for people goes to standard "
			"error.",
	},
	{
		.name = "quiet",
		.letter = 'q',
		.section = "output",
		.set = option_set_flag,
		AT(quiet),
		.help = "Tells only warnings, errors and the last line.",
	},
	{
		.name = "verbose",
		.letter = 'v',
		.section = "output",
		.set = option_set_count,
		AT(verbose),
		.help = "Tells more on standard error; twice: what is said on "
			"every connection. Never a secret. check has a line "
			"for each check that passed, too.",
	},
	{
		.name = "color",
		.arg = "WHEN",
		.section = "output",
		.set = option_set_choice,
		AT(color),
		.words = color_words,
		.help = "auto (the default: on a terminal, unless NO_COLOR is "
			"set), always or never.",
	},
};
const struct option_group group_speech = {
	"Output",
	speech_options,
	ARRAY_SIZE(speech_options),
};

static const struct option help_options[] = {
	{
		.name = "man",
		.set = option_set_flag,
		AT(man),
		.help = "Prints the man page as source for man(1).",
	},
	{
		.name = "completion",
		.arg = "SHELL",
		.set = option_set_text,
		AT(completion),
		.help = "Prints the completion for bash or zsh.",
	},
};
const struct option_group group_help = {
	"Documents",
	help_options,
	ARRAY_SIZE(help_options),
};

static const struct option state_options[] = {
	{
		.name = "state-dir",
		.arg = "DIR",
		.section = "state",
		.set = option_set_text,
		AT(state_dir),
		.completion = COMPLETE_FILE,
		.help = "Where journals and recordings of runs are kept: "
			"/var/lib/vmferry for root, ~/.local/state/vmferry for "
			"others. One that a power cut empties is refused by "
			"the check \"state\".",
	},
};
const struct option_group group_state = {
	"State",
	state_options,
	ARRAY_SIZE(state_options),
};

static const char *const force_words[] = { "none", "continue", "discard",
					   NULL };
static const struct option recover_options[] = {
	{
		.name = "all",
		.set = option_set_flag,
		AT(all),
		.help = "Every unfinished run, which is also what no GUEST "
			"means. For boot, before any guest is started.",
	},
	{
		.name = "force-source",
		.arg = "WHAT",
		.set = option_set_choice,
		AT(force_source),
		.words = force_words,
		.help = "A person's decision where the journal and both hosts "
			"leave it open. continue: the source's copy goes on; "
			"only when QEMU on the destination is proved gone, or "
			"can be removed first. discard: the source's copy is "
			"given up and the destination's started; only when the "
			"source does not run and the destination holds all of "
			"the guest. Refused where two copies could run.",
	},
};
const struct option_group group_recover = {
	"Recovery",
	recover_options,
	ARRAY_SIZE(recover_options),
};

static const struct option watch_options[] = {
	{
		.name = "watch-source",
		.arg = "SEC",
		.section = "migrate",
		.set = option_set_seconds,
		AT(watch_source_s),
		.help = "How long this host is watched, after a migration or "
			"a recovery that ended it, for "
			"a QEMU of the guest that somebody starts here again "
			"(30; 0: not at all). It is stopped by its monitor, "
			"never ended; vmferry status names it, and so does the "
			"system log.",
	},
};
const struct option_group group_watch = {
	"After the move",
	watch_options,
	ARRAY_SIZE(watch_options),
};

static const struct option owns_options[] = {
	{
		.name = "claim",
		.set = option_set_flag,
		AT(claim),
		.help = "A person's word that the guest is this host's: "
			"removes the mark that it moved away. Refused (3) "
			"while the host that it went to answers that it runs "
			"there.",
	},
};
const struct option_group group_owns = {
	"Ownership",
	owns_options,
	ARRAY_SIZE(owns_options),
};

static const struct option login_options[] = {
	{
		.name = "identity",
		.letter = 'i',
		.arg = "FILE",
		.section = "ssh",
		.set = option_set_text,
		AT(identity),
		.completion = COMPLETE_FILE,
		.help = "Private key to log in with, in place of the usual "
			"ones and besides those of the agent and of the "
			"configuration. It must be there.",
	},
	{
		.name = "known-hosts",
		.arg = "FILE",
		.section = "ssh",
		.set = option_set_text,
		AT(known_hosts),
		.completion = COMPLETE_FILE,
		.help = "File of known host keys, instead of the usual ones, "
			"for the destination; jump hosts have those of the "
			"configuration.",
	},
	{
		.name = "accept-new-host-key",
		.section = "ssh",
		.set = option_set_flag,
		AT(accept_new_host_key),
		.help = "Adds the key of a host that is not known yet, "
			"without asking. A changed key is never accepted.",
	},
	{
		.name = "ssh-config",
		.letter = 'F',
		.arg = "FILE",
		.section = "ssh",
		.set = option_set_text,
		AT(ssh_config),
		.completion = COMPLETE_FILE,
		.help = "OpenSSH configuration to read instead of the user's.",
	},
	{
		.name = "ssh",
		.arg = "WHICH",
		.section = "ssh",
		.set = option_set_choice,
		AT(ssh),
		.words = ssh_words,
		.help = "Who speaks SSH: libssh2 (a process without rights), "
			"openssh (a child ssh, which can do whatever its "
			"configuration says), or auto (the default: libssh2 "
			"where it can do that, too, else openssh).",
	},
	{
		.name = "become",
		.arg = "HOW",
		.section = "ssh",
		.set = option_set_choice,
		AT(become),
		.words = become_words,
		.help = "How commands become root's on another host where the "
			"login is not: sudo, or none (the default). Without "
			"a rule NOPASSWD its password is asked for once.",
	},
	{
		.name = "no-input",
		.section = "ssh",
		.set = option_set_flag,
		AT(no_input),
		.help = "Never asks for a passphrase or password, nor whether "
			"a host's key is right.",
	},
};
const struct option_group group_login = {
	"Login",
	login_options,
	ARRAY_SIZE(login_options),
};

static const struct option budget_options[] = {
	{
		.name = "max-blackout",
		.arg = "MS",
		.section = "migrate",
		.set = option_set_blackout,
		AT(max_blackout_ms),
		.help = "Longest pause of the guest that is acceptable, in "
			"milliseconds (300). It is never exceeded knowingly: "
			"a migration that cannot keep it is undone.",
	},
	{
		.name = "bandwidth",
		.arg = "RATE",
		.section = "migrate",
		.set = option_set_rate,
		AT(bandwidth_bps),
		.help = "Bytes per second to copy with at most: 100M, 1G "
			"(powers of 1000), 64Mi (powers of 1024); 0, the "
			"default, is no limit.",
	},
};
const struct option_group group_budget = {
	"Budget",
	budget_options,
	ARRAY_SIZE(budget_options),
};

static const struct option forecast_options[] = {
	{
		.name = "time",
		.arg = "SEC",
		.set = option_set_seconds,
		AT(rehearse_s),
		.help = "Seconds that the guest is watched for (10). The first "
			"third or so goes by before the first figure is there, "
			"later for a large guest.",
	},
	{
		.name = "quick",
		.set = option_set_flag,
		AT(quick),
		.help = "Does not copy the guest to nowhere; has QEMU compare "
			"a sample of its pages, for 3 s in all, and looks at "
			"some of them itself for another.",
	},
};
const struct option_group group_forecast = {
	"Forecast",
	forecast_options,
	ARRAY_SIZE(forecast_options),
};

static const struct option plan_options[] = {
	{
		.name = "remap",
		.arg = "OLD=NEW",
		.section = "migrate",
		.set = option_set_remap,
		AT(remaps),
		.help = "Path prefix that is another one on the destination: "
			"/srv/a=/srv/b. May be given more than once. One that "
			"no path of the guest needs fails the check "
			"\"remap\".",
	},
	{
		.name = "dest-args",
		.arg = "FILE",
		.set = option_set_text,
		AT(dest_args),
		.completion = COMPLETE_FILE,
		.help = "QEMU arguments for the destination, one a line, "
			"instead of those read from the source.",
	},
	{
		.name = "qemu-binary",
		.arg = "PATH",
		.section = "migrate",
		.set = option_set_text,
		AT(qemu_binary),
		.help = "QEMU to start on the destination, this one and no "
			"other, instead of the source's.",
	},
	{
		.name = "transport",
		.arg = "WHICH",
		.section = "migrate",
		.set = option_set_choice,
		AT(transport),
		.words = transport_words,
		.help = "What carries the guest's memory: ssh (the default: as "
			"the login, see --ssh); openssh (a child ssh, by a GCM "
			"cipher where both sides have one); auto (of these "
			"two, the one that a short measurement finds clearly "
			"faster, for guests of 2 GiB and more); or tcp (a "
			"plain connection to one of the ports 49152 to 49215 "
			"of the destination, with --insecure). All else takes "
			"the login in any case.",
	},
	{
		.name = "insecure",
		.set = option_set_flag,
		AT(insecure),
		.help = "Accepts that with --transport tcp the memory is sent "
			"in clear and unprotected: whoever is on the way can "
			"read it, with every key and password in it, and "
			"change it, and so take over the guest; whoever "
			"connects to the port first can feed a stream of his "
			"own to the new QEMU, with the rights of the guest's "
			"user, and fail the migration.",
	},
	{
		.name = "skip-check",
		.arg = "NAME",
		.set = option_set_list,
		AT(skip_checks),
		.help = "Does not let this check block. May be given more "
			"than once.",
	},
	{
		.name = "events",
		.arg = "FILE|fd:N",
		.set = option_set_events,
		AT(events),
		.completion = COMPLETE_FILE,
		.help = "Writes what happens as JSON lines into a file (mode "
			"0600, emptied first) or to an open descriptor.",
	},
};
const struct option_group group_plan = {
	"Guest and destination",
	plan_options,
	ARRAY_SIZE(plan_options),
};

static const struct option run_options[] = {
	{
		.name = "throttle",
		.arg = "WHAT",
		.section = "migrate",
		.set = option_set_throttle,
		AT(throttle),
		.help = "Whether the guest may be slowed down when it rewrites "
			"memory faster than the link carries it: auto (the "
			"default: by as little as does it, and only then), "
			"off, or a percentage from the start.",
	},
	{
		.name = "xbzrle",
		.arg = "WHEN",
		.section = "migrate",
		.set = option_set_choice,
		AT(xbzrle),
		.words = xbzrle_words,
		.help = "Whether QEMU sends only what has changed in a page "
			"that it sent before: auto (the default: where a look "
			"at some of the guest's pages says that it pays, and "
			"copying takes long enough for such a look), on, off.",
	},
	{
		.name = "policy",
		.arg = "NAME",
		.section = "migrate",
		.set = option_set_text,
		AT(policy),
		.help = "Who decides when to switch over: auto (the default), "
			"or, for comparison, qemu, proxmox, ovirt, nova, "
			"kubevirt, auto-converge. `vmferry replay` tells what "
			"each would have done.",
	},
	{
		.name = "deadline",
		.arg = "SEC",
		.section = "migrate",
		.set = option_set_seconds,
		AT(deadline_s),
		.help = "Seconds after which waiting for a pause within the "
			"budget ends; 0, the default, is never.",
	},
	{
		.name = "on-deadline",
		.arg = "WHAT",
		.section = "migrate",
		.set = option_set_choice,
		AT(on_deadline),
		.words = on_deadline_words,
		.help = "What the deadline means: abort (the default: undo, "
			"the guest stays), or force (switch over whatever the "
			"pause; the receipt says so).",
	},
	{
		.name = "paused",
		.set = option_set_flag,
		AT(paused),
		.help = "Leaves the guest paused on the destination.",
	},
	{
		.name = "wait",
		.section = "migrate",
		.set = option_set_flag,
		AT(wait),
		.help = "Waits for its turn instead of refusing: while another "
			"migration of the guest is under way, while others "
			"that are under way leave the destination too little "
			"memory, and while as many as --parallel says leave "
			"this host or arrive there. First come, first served; "
			"Ctrl-C ends the wait.",
	},
	{
		.name = "parallel",
		.arg = "N",
		.section = "migrate",
		.set = option_set_parallel,
		AT(parallel),
		.help = "With --wait: how many migrations may leave this host, "
			"and arrive at the destination, at once (2).",
	},
	{
		.name = "dry-run",
		.set = option_set_flag,
		AT(dry_run),
		.help = "Checks everything, prints the plan, changes nothing.",
	},
};
const struct option_group group_run = {
	"Migration",
	run_options,
	ARRAY_SIZE(run_options),
};

static const struct option replay_options[] = {
	{
		.name = "policy",
		.arg = "NAME",
		.set = option_set_text,
		AT(policy),
		.help = "This policy alone: auto (vmferry's own), qemu, "
			"proxmox, ovirt, nova, kubevirt, or auto-converge "
			"(QEMU's own). Without it, a table of all.",
	},
	{
		.name = "max-blackout",
		.arg = "MS",
		.set = option_set_blackout,
		AT(max_blackout_ms),
		.help = "Budget to try, instead of the run's own.",
	},
	{
		.name = "deadline",
		.arg = "SEC",
		.set = option_set_seconds,
		AT(deadline_s),
		.help = "Deadline to try, instead of the run's own.",
	},
	{
		.name = "on-deadline",
		.arg = "WHAT",
		.set = option_set_choice,
		AT(on_deadline),
		.words = on_deadline_words,
		.help = "abort (the default) or force.",
	},
	{
		.name = "throttle",
		.arg = "WHAT",
		.set = option_set_throttle,
		AT(throttle),
		.help = "auto (the default: policies may throttle the guest) "
			"or off.",
	},
};
const struct option_group group_replay = {
	"Replay",
	replay_options,
	ARRAY_SIZE(replay_options),
};

const struct option_group *const group_all[] = {
	&group_run,	&group_plan,	&group_budget, &group_forecast,
	&group_login,	&group_speech,	&group_help,   &group_state,
	&group_watch,	&group_recover, &group_owns,   &group_replay,
	&group_general, NULL,
};

const struct option *group_any_option(const char *name)
{
	return option_find(group_all, name);
}
