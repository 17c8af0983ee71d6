/* SPDX-License-Identifier: MIT */
/* manpage: vmferry(1) in man(7) macros, from the table and prose. */
#include "tools/cli/manpage.h"

#include <string.h>

#include "engine/event/exit_code.h"
#include "tools/cli/group.h"

/* Text with man's special characters escaped; paragraphs become .PP. */
static void text(FILE *out, const char *s)
{
	for (bool start = true; *s; s++) {
		if (!strncmp(s, "\n\n", 2)) {
			fputs("\n.PP\n", out);
			s++;
			start = true;
			continue;
		}
		if (*s == '\\')
			fputs("\\e", out);
		else if (*s == '-')
			fputs("\\-", out);
		else if (start && (*s == '.' || *s == '\''))
			fprintf(out, "\\&%c", *s);
		else
			fputc(*s, out);
		start = *s == '\n';
	}
	fputc('\n', out);
}

static void section(FILE *out, const char *title, const char *body)
{
	fprintf(out, ".SH %s\n", title);
	text(out, body);
}

struct entry {
	const char *term, *meaning;
};

static void entries(FILE *out, const struct entry *list)
{
	for (; list->term; list++) {
		fputs(".TP\n.B ", out);
		text(out, list->term);
		text(out, list->meaning);
	}
}

static void all_exit_codes(FILE *out)
{
	const struct exit_code_meaning *m = exit_code_meanings;

	for (; m->text; m++) {
		fprintf(out, ".TP\n.B %d\n", (int)m->code);
		text(out, m->text);
	}
}

static void option(FILE *out, const struct option *o)
{
	if (o->hidden)
		return;
	fputs(".TP\n", out);
	if (o->letter)
		fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
	fputs("\\fB\\-\\-", out);
	for (const char *c = o->name; *c; c++)
		fprintf(out, *c == '-' ? "\\-" : "%c", *c);
	fputs("\\fR", out);
	if (o->arg)
		fprintf(out, " \\fI%s\\fR", o->arg);
	fputc('\n', out);
	text(out, o->help);
}

static void all_options(FILE *out)
{
	fputs(".SH OPTIONS\n", out);
	for (size_t g = 0; group_all[g]; g++) {
		fprintf(out, ".SS %s\n", group_all[g]->title);
		for (size_t i = 0; i < group_all[g]->n; i++)
			option(out, &group_all[g]->v[i]);
	}
}

static void all_commands(const struct command *const *table, FILE *out)
{
	fputs(".SH COMMANDS\n", out);
	for (size_t i = 0; table[i]; i++) {
		const struct command *c = table[i];

		fprintf(out, ".SS vmferry %s %s\n", c->name, c->args);
		text(out, c->description);
		fputs(".PP\nTakes the options of:", out);
		for (size_t g = 0; c->groups[g]; g++)
			fprintf(out, "%s %s", g ? "," : "",
				c->groups[g]->title);
		fputs(".\n", out);
	}
}

static void examples(const struct command *const *table, FILE *out)
{
	fputs(".SH EXAMPLES\n.nf\n", out);
	for (size_t i = 0; table[i]; i++) {
		if (table[i]->examples)
			text(out, table[i]->examples);
	}
	fputs(".fi\n", out);
}

static const struct entry files[] = {
	{ "/run/vmferry",
	  "Run directories and locks (root). Each migrated guest has a "
	  "private directory there, with its monitors and the first MiB of "
	  "what its QEMU prints, as long as it runs. Other users: "
	  "$XDG_RUNTIME_DIR/vmferry, or ~/.vmferry. The same on the "
	  "destination." },
	{ "/run/vmferry/tokens/RUN-SIDE",
	  "A random token that a run leaves on both hosts, and removes when "
	  "it ends. A host that is said to be the same, and was not started "
	  "anew, but lacks it is not believed: it may be a copy of that "
	  "machine. Recovery says where it is missing." },
	{ "/var/lib/vmferry/runs/RUN/journal",
	  "What a run is about to do, for recover; gone when it ended with "
	  "nothing left to do. Other users: ~/.local/state/vmferry, or "
	  "--state-dir." },
	{ "/var/lib/vmferry/machine-id",
	  "An id that stands for the host where /etc/machine-id is missing, "
	  "or is that of the other host; made when it is needed, on both "
	  "hosts, and kept. Recovery goes by it after a reboot." },
	{ "/var/lib/vmferry/recordings/RUN.jsonl",
	  "The events of a migration, as --events writes them, for status and "
	  "replay. Where a recovery told the end, the result has recovered "
	  "(true), verdict and did. The newest 64 are kept, and at most 256 "
	  "MiB. Other users: ~/.local/state/vmferry, or --state-dir." },
	{ "/var/lib/vmferry/moved/RUN",
	  "That a guest was moved away from this host, for owns. Other users: "
	  "~/.local/state/vmferry, or --state-dir." },
	{ "/var/lib/vmferry/away/RUN",
	  "The same for the users of the guests: whatever --state-dir a "
	  "migration had, and from its begin on. Everybody may read it. "
	  "Other users: ~/.local/state/vmferry." },
	{ "/var/lib/vmferry/arrived/RUN",
	  "What a guest that was moved to this host has here, until it ends. "
	  "Other users: ~/.local/state/vmferry." },
	{ "/var/lib/vmferry/nonces/HEX",
	  "Where a file .vmferry-HEX is, by which two hosts are asked whether "
	  "they have the same storage; gone with it, after a crash by the next "
	  "command on this host. Other users: ~/.local/state/vmferry." },
	{ "~/.config/vmferry/vmferry.conf, /etc/vmferry/vmferry.conf",
	  "Configuration; see CONFIGURATION." },
	{ "~/.ssh/config, ~/.ssh/known_hosts, /etc/ssh/ssh_known_hosts",
	  "OpenSSH's own; read as ssh(1) reads them. A key that a person "
	  "confirms is added to the first file of the user's." },
	{ NULL, NULL },
};

static const struct entry environment[] = {
	{ "VMFERRY_OPTION",
	  "Default of an option that may stand in a configuration file: "
	  "VMFERRY_MAX_BLACKOUT, VMFERRY_IDENTITY and so on." },
	{ "NO_COLOR, TERM", "No colours; TERM=dumb: no live view either." },
	{ "SSH_AUTH_SOCK", "The agent whose keys are tried first." },
	{ "SSH_ASKPASS, SSH_ASKPASS_REQUIRE",
	  "The program that asks where there is no terminal: for a "
	  "passphrase, a password, or whether a host's key is right; "
	  "\"force\": always, \"never\": not at all." },
	{ "VMFERRY_RUN_DIR, VMFERRY_SOCKETS",
	  "Set for each QEMU that vmferry starts: its run directory, and "
	  "where "
	  "its public sockets stand." },
	{ NULL, NULL },
};

static const char description[] =
	"vmferry moves a running QEMU guest from this host to another one, "
	"without libvirt and with nothing installed over there but sshd and "
	"QEMU. It reads the command line of the guest's QEMU from /proc, "
	"starts the same on the destination (machine type pinned, sockets in "
	"a private directory), sends memory through SSH pass by pass while "
	"the guest runs, and hands over when the rest fits into the pause "
	"that you allow.\n\n"
	"Any login shell will do on the destination, and it may print what "
	"it likes; its start is waited for once in a connection, or a few "
	"times. A login that runs no commands (nologin, ForceCommand) is "
	"refused with what it said. sshd there must connect to UNIX sockets: "
	"the check \"forwarding\" names the options that forbid it. The check "
	"\"tools\" names programs that are missing there; a busybox with "
	"flock, setsid and stat has them, and root needs setpriv(1) for "
	"guests of other users.\n\n"
	"The login there is root's, or that of the guest's user, or, with "
	"--become sudo, of a user who may sudo: what needs root's rights is "
	"done in a shell that sudo(8) starts. Its password, where no rule "
	"NOPASSWD makes it unnecessary, is asked for once, as others are, and "
	"goes to sudo and to the guardian, never to a file, an argument or the "
	"environment. The check \"become\" fails where sudo is missing or "
	"refuses, with its words. sshd connects as the user who "
	"logs in: a guest's socket is his, mode 0600, for the moment that "
	"takes, in a directory of root's. `vmferry recover` uses sudo where "
	"the run did.\n\n"
	"Disks must be on storage that both hosts share under the same path "
	"(or one that --remap leads to). Sockets and pid files appear under "
	"their old names once the source is gone. A name that a process on "
	"the destination listens on or has open is refused by the check "
	"\"name-in-use\", and so is a file that is not a pid file; a socket "
	"without a listener and a pid file that nobody has open are replaced. "
	"Asked are processes of root, the login, the guest's user and the "
	"owner of what has the name; if they do not answer (a process may "
	"wait for a file system), the name is refused, too. "
	"A guest with the name or UUID of one that runs on the destination is "
	"refused by the check \"same-guest\".\n\n"
	"A shell stays on the destination as QEMU's parent. When the guest "
	"has ended, it removes the names of its sockets, its pid file and its "
	"run directory; what a power cut leaves of them is removed by the "
	"next list, check, migrate or recover that asks that host. Files "
	"that the guest's QEMU writes (-serial file:, -chardev file, "
	"logfile=, -D) are appended to on the destination; a capture or "
	"trace, which it begins anew, must not be one file for both hosts "
	"(check \"trace-file\").\n\n"
	"Run directories are on the destination's /run (or the user's runtime "
	"directory); the check \"room\" refuses a guest for whose run "
	"directory too little of it is free, bytes or inodes.\n\n"
	"Disks must be the same on both hosts (check \"disk\"). QEMU is asked "
	"which files it has open, those below other images included. A file is "
	"the same when the other host sees a file with a random name that was "
	"made beside it for a moment, with the rights of the guest's user; "
	"where that user may not write, and root alone cannot be misled there, "
	"by root. Where none can be made, server, export and inode of a "
	"network file system are compared. A block device is the same by its "
	"size, its identifier and most of the blocks that are compared. What "
	"QEMU only reads may be a copy with the same content. A server on the "
	"source itself (localhost, a UNIX socket) is never shared. A disk that "
	"is on another image than the command line names, after a snapshot or "
	"a change of the medium, is refused by the check "
	"\"active-image\".\n\n"
	"The guest keeps its CPU (check \"cpu\", of x86 guests). QEMU compares "
	"none. For a moment the QEMU of the destination is started with the "
	"guest's machine type, -cpu and -smp, stopped and without devices, as "
	"the guest's user, and is asked which features come of it. The "
	"migration is refused if one would be lost, or the model or vendor "
	"would be another, or if that QEMU does not start so (-cpu "
	"MODEL,enforce); features that are new there, the models host and max, "
	"and what QEMU warns of, are warnings.\n\n"
	"RAM in huge pages needs as many of that size there (check "
	"\"hugepages\"), and takes none of the memory that the check "
	"\"memory\" asks for. Where QEMU locks the guest's RAM (-overcommit "
	"mem-lock=on, VFIO), a login that is not root's must be allowed to "
	"lock so much (check \"memlock\").\n\n"
	"The guest's network must be there, too. QEMU with script=no uses a "
	"tap as it finds it, and makes one that is missing anew, down and in "
	"no bridge: the check \"tap\" compares each tap that the command line "
	"names with the source's (up or down, bridge, MTU, VLANs, queues, "
	"owner), and \"bridge\" the bridges; their remedies are commands for "
	"a shell of the destination. The user that QEMU runs as must be able "
	"to open /dev/net/tun there, and the bridge helper must be allowed "
	"the bridge in /etc/qemu/bridge.conf if it is here. What a script of "
	"the guest's does there is its own business. The check \"mac\" fails "
	"where another guest in the same bridge there has the MAC of a card, "
	"or a bridge has learnt it from a tap. The check \"port\" fails where "
	"somebody has a port that QEMU will listen on (-vnc, -spice, hostfwd, "
	"character devices), or where its address is not the destination's; "
	"\"socket\" where nobody listens on a UNIX socket that QEMU will "
	"connect to (that of passt, a vhost-user back end, swtpm). "
	"\"user-network\" warns that connections through QEMU itself or passt "
	"end, \"password\" that one that was set over the monitor for -vnc or "
	"-spice is not known there, and \"console\" that QEMU's own terminal "
	"is not taken along.\n\n"
	"The state directory must outlive a power cut of this host: on tmpfs, "
	"ramfs, or an overlay of which the writable layer is on one of these, "
	"the check \"state\" refuses the migration. --skip-check state accepts "
	"that, for a host that runs from memory, and the result names it "
	"(state_storage). Where that layer cannot be seen, as in a container, "
	"nothing is refused.\n\n"
	"A guest that root started with -runas belongs to that user, and what "
	"its command line says is that user's word. Its QEMU is started as "
	"that user on the destination. An image or block device that the user "
	"may not open there is opened by root and handed to QEMU as a "
	"descriptor, if QEMU on the source has it open, with no more than the "
	"access mode that it has there; if it is the same file on both hosts, "
	"a block device by the identifier of LVM, multipath or the disk; and "
	"if nobody but root can change what its name leads to: each directory "
	"on the way is root's. QEMU calls it /dev/fdset/N then; list, and the "
	"next migration, know its name. Up to seven files are handed over. All "
	"others are refused by the check \"access\": images below the one that "
	"is named (backing files), which QEMU opens itself, and images that "
	"QEMU opens again when it lets go of them. That is what -drive does "
	"unless it says auto-read-only=off, and -blockdev does not; QEMU can "
	"migrate such a guest only while its user may open the image. "
	"Directories of sockets and pid files that the user cannot write to "
	"are refused by the check \"directory\".\n\n"
	"When root migrates a guest of another user, that user must have the "
	"same name and number on both hosts, or the number must be without a "
	"name on both (check \"user\"); a group that the guest's QEMU is in "
	"must have the same number and name there, and the user must be in it "
	"(check \"group\"). Programs that run with the user's rights get a "
	"session keyring of their own, by keyctl(1), e4crypt(8) or perl; a "
	"host that has none of these is refused by the check \"keyring\", "
	"unless --skip-check keyring shares root's with them.\n\n"
	"For users other than root, logind may end a guest, or take the "
	"sockets of its monitors away, at a logout. With "
	"KillUserProcesses=yes on the destination the check \"lingering\" "
	"refuses the migration, since the guest would end with vmferry's "
	"login. Otherwise the session of that login lasts as long as the "
	"guest, and keeps the user's runtime directory with the sockets of "
	"its monitors. A login that is no session of logind (sshd with UsePAM "
	"no) does not keep it: without lingering (loginctl enable-linger) the "
	"check warns. So it does of a guest in a unit of its user's own "
	"service manager (systemd --user), which ends with that user's last "
	"session and takes the guest along, also while it moves.\n\n"
	"A guest's memory that is mapped from a file with share=on must not "
	"be one file for both hosts: the check \"ram-file\" refuses it.\n\n"
	"QEMU takes the locks of the images on the destination when it is to "
	"run the guest. If another process has one at that moment (on NFS "
	"also an old client), QEMU is asked again for as long as "
	"--max-blackout allows, at most 10 s. Then the guest goes back to the "
	"source, and the error names the process, if it was found.\n\n"
	"A guest that was paused stays paused, and its images are locked on "
	"the destination as they were on the source. Where another program "
	"has opened one meanwhile, a warning names it. QEMU before 10.0 would "
	"abort at the next migration of a guest without its images, so the "
	"check \"inactive\" makes such a guest lock them, and refuses to "
	"migrate it while that fails.";

static const char output[] =
	"Results go to standard output, narration to standard error: a live "
	"view on a terminal, one line with time and key=value pairs a change "
	"elsewhere. With --json standard output has exactly one JSON object; "
	"unknown numbers in it are null. --events writes JSON lines, each "
	"with v, t (wall clock, seconds), mono_ms, run and event: run-start, "
	"facts, check, phase, sample, pass, decision, warning, switchover, "
	"result.\n\n"
	"The blackout is the time from STOP on the source to RESUME on the "
	"destination, both as received on this host's monotonic clock; its "
	"uncertainty is one round trip to the destination. QEMU's own "
	"downtime is reported beside it as qemu_downtime_ms. How often the "
	"destination was waited for in that time is switchover_round_trips: "
	"by so many round trips a distant one lengthens it. There are three, "
	"and one more where the destination has been silent for a second "
	"before.\n\n"
	"The last line always says where the guest runs.";

static const char configuration[] =
	"INI: sections [ssh], [migrate] and [output], keys are the long "
	"names of options (identity = /root/.ssh/move, max-blackout = 100). "
	"The command line comes first, then the environment, then the user's "
	"file, then /etc.";

static const char security[] =
	"A host's key is judged as ssh(1) judges it, before any credential is "
	"sent. A changed or revoked one is refused. An unknown one is shown "
	"with its fingerprint and asked for (yes, no, or the fingerprint "
	"typed); --accept-new-host-key adds it without asking, --no-input "
	"refuses it, and StrictHostKeyChecking of the configuration is "
	"followed, but that \"no\" does not make a changed key good. Keys to "
	"log in with come from the agent or from files (ed25519, ecdsa); "
	"passphrases and passwords are asked for on the terminal and never "
	"taken from arguments or environment, and never logged.\n\n"
	"Of the configuration libssh2 follows HostName, Port, User, "
	"IdentityFile, IdentitiesOnly, IdentityAgent, UserKnownHostsFile, "
	"GlobalKnownHostsFile, StrictHostKeyChecking, HashKnownHosts, "
	"HostKeyAlias, ProxyJump, ProxyCommand, ConnectTimeout, BatchMode, "
	"the Authentication options for keys and passwords, "
	"PreferredAuthentications, NumberOfPasswordPrompts, Ciphers, MACs and "
	"KexAlgorithms. What is about terminals, forwards and sharing means "
	"nothing here. Any other option that differs from ssh(1)'s default "
	"(RevokedHostKeys, KnownHostsCommand, CheckHostIP, BindAddress and so "
	"on) is left to ssh(1) by --ssh auto, with a warning that names it, "
	"and refused by --ssh libssh2. So are hosts whose certificates "
	"decide. Options of the command line are about the destination, and "
	"not about the jump hosts before it, which the configuration "
	"describes.\n\n"
	"Memory travels through SSH, but for --transport tcp, which --insecure "
	"alone allows. All sockets of a run live in a directory of mode 0700 "
	"that belongs to the guest's user.\n\n"
	"With libssh2 a process of its own speaks to the host, one for each "
	"session, and reads what it sends. It has no file, key, program or "
	"other connection: vmferry itself judges the host's key, signs, and "
	"hands it the sockets whose bytes it carries. A host that finds a "
	"fault in libssh2 gets that process and no more: it can end the "
	"session, and read and change what passes through it. Started by "
	"root, the process has a user id that nothing else has, so that no "
	"guest's user can signal it; else it has yours, and what runs as you "
	"can.";

static const char troubles[] =
	"Before the switchover every failure is undone: the guest goes on "
	"here, and what was started over there is removed. When the "
	"destination cannot be reached for that, the exit code is 9 and the "
	"last line names the process, the directories and the file to "
	"remove. The "
	"guest may be migrated to another host meanwhile, which warns of "
	"them; to the same host only once they are gone. Where a run has yet "
	"to be finished or undone on the source, or it is undecided where its "
	"guest runs, the check \"unfinished\" refuses to migrate it "
	"again.\n\n"
	"If vmferry itself dies (SIGKILL) or hangs in the middle, its "
	"guardian, "
	"a process that it starts beside each migration, undoes it or "
	"finishes it at once, from the run's journal and from what both QEMUs "
	"say, and tells the system log. While a side that may own the guest "
	"cannot be asked it starts nothing, and tries again every few "
	"seconds. It logs in to the destination by itself: where a passphrase "
	"or password had to be typed it cannot, and the check \"guardian\" "
	"warns of it.\n\n"
	"After a migration the guardian watches the source for a while "
	"(--watch-source): a QEMU that starts there with the guest's UUID, or "
	"with its name and command line, is stopped by QMP, never ended. Which "
	"of the two is the good one is yours to say.\n\n"
	"After a power cut, or when both died, run vmferry recover: it does "
	"the same. At boot run vmferry recover --all before any guest is "
	"started; exit code 0 means that nothing is undecided.\n\n"
	"Exit code 7 means that nobody can know, or that only a person can "
	"decide. The guest then stands still on the source, in memory, and "
	"may run on the destination. Once the destination answers again the "
	"guardian finishes it. Where QEMU over there is gone after it was "
	"told to start the guest, choose: vmferry recover GUEST "
	"--force-source=continue goes on with the state from before the "
	"switchover. If that host is gone for good, make sure that it is off "
	"(fence it), cont the guest on the source's own monitor, and remove "
	"the run's directory runs/RUN of the state directory. Never cont "
	"both.";

static const char bugs[] =
	"Some versions of QEMU have faults that harm a migration. The check "
	"\"qemu-fault\" knows those that upstream has described, names the "
	"commit that corrects each, and refuses the migration: QEMU before "
	"9.0 under TCG damages the memory of a running guest whose RAM is a "
	"multiple of 256 KiB; QEMU 8.0.0 and 9.0.0 and other versions refuse "
	"each other's guests with some PCI Express devices or a virtio-gpu. "
	"Where the distribution has corrected it in an older version, "
	"--skip-check qemu-fault accepts it. Guests on KVM lose no "
	"memory.\n\n"
	"libssh2 1.10 cannot use RSA keys, certificates and FIDO keys, nor "
	"servers that offer only GCM or EtM algorithms; ssh(1) is used "
	"instead (--ssh auto), and vmferry says so. The check \"ssh-library\" "
	"names a version with known faults and its package. 1.10 also ends "
	"this whole "
	"process (an assertion) on an encrypted packet of an impossible "
	"length, which a hostile server, or somebody on the way who changes "
	"bytes, can send: the guardian then undoes or finishes the migration. "
	"Where that is to be feared, use --ssh openssh.";

void manpage_print(const struct command *const *table, FILE *out)
{
	fprintf(out, ".TH VMFERRY 1 \"\" \"vmferry %s\" \"User Commands\"\n",
		VMFERRY_VERSION);
	section(out, "NAME",
		"vmferry - moves running QEMU guests from host to "
		"host over SSH");
	fputs(".SH SYNOPSIS\n", out);
	for (size_t i = 0; table[i]; i++)
		fprintf(out, ".B vmferry %s\n[options] %s\n.br\n",
			table[i]->name, table[i]->args);
	section(out, "DESCRIPTION", description);
	all_commands(table, out);
	all_options(out);
	section(out, "OUTPUT", output);
	fputs(".SH \"EXIT STATUS\"\n", out);
	all_exit_codes(out);
	section(out, "CONFIGURATION", configuration);
	fputs(".SH ENVIRONMENT\n", out);
	entries(out, environment);
	fputs(".SH FILES\n", out);
	entries(out, files);
	section(out, "SECURITY", security);
	section(out, "\"WHEN IT GOES WRONG\"", troubles);
	examples(table, out);
	section(out, "BUGS", bugs);
	section(out, "\"SEE ALSO\"",
		"qemu-system-x86_64(1), ssh(1), "
		"ssh_config(5)");
}
