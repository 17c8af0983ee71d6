/* SPDX-License-Identifier: MIT */
/*
 * Command lines of QEMU, as anybody may start one.
 *
 * Input: a byte of flags, then words that end in NUL, as /proc/PID/cmdline has
 * them. A first word VMFERRY_SOCKETS=… is taken out and says where sockets were
 * moved, as the environment does.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv.h"
#include "engine/argv/argv_listen.h"
#include "engine/argv/argv_nics.h"
#include "engine/guest/guest_describe.h"
#include "tests/fuzz/fuzz_input.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

enum { SAME_HOST = 1, NO_CWD = 2, REMAP = 4 };

static const char sockets[] = ARGV_ENV_SOCKETS "=";

static void describe(const struct strv *argv, const struct argv_moves *moves)
{
	struct guest g = { .cwd = xstrdup("/srv") };

	strv_push_all(&g.argv, argv);
	for (size_t i = 0; i < moves->n; i++)
		argv_moves_add(&g.moves, moves->v[i].now, moves->v[i].public);
	guest_describe(&g);
	for (size_t i = 0; i < g.n_monitors; i++)
		fuzz_claim(g.monitors[i].path || g.monitors[i].tcp,
			   "a monitor is somewhere");
	guest_free(&g);
}

/* What it has of its host's network. */
static void look_at_network(const struct strv *argv)
{
	AUTO_STRV struct strv words = { 0 };
	struct argv_nics nics;
	struct argv_ports ports;
	struct argv_clients clients;

	argv_nics_read(argv, &nics);
	for (size_t i = 0; i < nics.n; i++)
		fuzz_claim(!nics.v[i].ifname ||
				   argv_nics_is_ifname(nics.v[i].ifname),
			   "a tap has the name of an interface");
	argv_nics_free(&nics);
	argv_listen_ports(argv, &ports);
	for (size_t i = 0; i < ports.n; i++)
		fuzz_claim(ports.v[i].first && ports.v[i].last <= 65535 &&
				   ports.v[i].first <= ports.v[i].last,
			   "a port is one");
	argv_listen_free(&ports);
	argv_listen_clients(argv, &clients);
	argv_listen_clients_free(&clients);
	argv_listen_terminals(argv, &words);
	argv_listen_passwords(argv, &words);
}

static void blank(const struct strv *argv)
{
	AUTO_STRV struct strv shown = { 0 };

	argv_blank_secrets(argv, &shown);
	fuzz_claim(shown.n == argv->n, "blanking keeps the words apart");
}

/* The mapping goes on through the environment. */
static void carry(const struct argv_moves *from, struct argv_moves *to)
{
	AUTO_FREE char *text = argv_moves_encode(from);

	fuzz_claim(argv_moves_decode(text, to, NULL) == 0,
		   "a mapping survives the environment");
}

static bool is_refused(const struct argv_plan *p)
{
	for (size_t i = 0; i < p->n_notes; i++) {
		if (p->notes[i].kind == ARGV_REFUSED)
			return true;
	}
	return false;
}

/*
 * What one hop made can make another, from where the public command line looks
 * the same.
 */
static void next_hop(const struct argv_input *first,
		     const struct argv_plan *plan)
{
	AUTO_STRV struct strv before = { 0 }, after = { 0 };
	struct argv_moves moves = { .v = NULL };
	struct argv_input in = *first;
	AUTO_ERR struct err err = { 0 };
	struct argv_plan second;

	carry(&plan->moves, &moves);
	in.argv = &plan->argv;
	in.moves = &moves;
	in.run_dir = "/run/r2";
	in.n_remaps = 0;
	if (plan->cwd)
		in.cwd = plan->cwd;
	fuzz_claim(argv_rebuild(&in, &second, &err) == 0,
		   "what was rebuilt can be rebuilt");
	fuzz_claim(!is_refused(&second), "nor is it refused then");
	argv_restore(&plan->argv, &moves, &before);
	argv_restore(&second.argv, &second.moves, &after);
	fuzz_claim(strv_equal(&before, &after),
		   "a hop changes nothing that is public");
	argv_plan_free(&second);
	argv_moves_free(&moves);
}

static void rebuild(const struct strv *argv, const struct argv_moves *moves,
		    unsigned int flags)
{
	static const struct argv_remap remap = { "/srv", "/pool/vm" };
	struct argv_input in = {
		.argv = argv,
		.cwd = flags & NO_CWD ? NULL : "/srv",
		.moves = moves,
		.machine = "pc-q35-7.2",
		.run_dir = "/run/r1",
		.binary = "qemu",
		.remaps = &remap,
		.n_remaps = flags & REMAP ? 1 : 0,
		.same_host = flags & SAME_HOST,
	};
	AUTO_ERR struct err err = { 0 };
	struct argv_plan plan;

	if (argv_rebuild(&in, &plan, &err) < 0) {
		fuzz_claim(err.kind == ERR_REFUSED, "a refusal says why");
		return;
	}
	if (!is_refused(&plan))
		next_hop(&in, &plan);
	argv_plan_free(&plan);
}

/* Takes the mapping, if there is one, off the front of @argv. */
static void take_moves(struct strv *argv, struct argv_moves *moves)
{
	if (!argv->n || strncmp(argv->v[0], sockets, strlen(sockets)) != 0)
		return;
	if (argv_moves_decode(argv->v[0] + strlen(sockets), moves, NULL) < 0)
		fuzz_claim(!moves->n, "a bad mapping is none");
	free(argv->v[0]);
	argv->n--;
	memmove(argv->v, argv->v + 1, (argv->n + 1) * sizeof(*argv->v));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	unsigned int flags = fuzz_take(&in);
	AUTO_STRV struct strv argv = { 0 }, file = { 0 };
	struct argv_moves moves = { .v = NULL };

	if (argv_file_parse((const char *)in.data, in.len, &file, NULL) == 0)
		blank(&file);
	fuzz_words(&in, &argv);
	take_moves(&argv, &moves);
	describe(&argv, &moves);
	blank(&argv);
	look_at_network(&argv);
	rebuild(&argv, &moves, flags);
	argv_moves_free(&moves);
	return 0;
}
