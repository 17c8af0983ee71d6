/* SPDX-License-Identifier: MIT */
/* arrival: the mark that a run under way leaves on the destination. */
#include "engine/hosts/arrival.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/probe.h"
#include "transport/base/err.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

extern const char arriving_sh[];

char *arrival_marker(const char *run, const char *guest, const char *source)
{
	AUTO_FREE char *name = answer_safe_value(guest);

	return xasprintf("role=destination\nrun=%s\nguest=%s\nsource=%s", run,
			 name, source);
}

void arrival_free(struct arrival *a)
{
	free(a->run);
	free(a->guest);
	free(a->source);
}

static void add(struct arrivals *out, const char *text)
{
	struct arrival a = {
		.run = answer_value(text, "run"),
		.guest = answer_value(text, "guest"),
		.source = answer_value(text, "source"),
	};

	if (!a.run || !a.guest || !a.source) {
		arrival_free(&a);
		return;
	}
	out->v = xrealloc(out->v, out->n + 1, sizeof(*out->v));
	out->v[out->n++] = a;
}

/* One that vanishes meanwhile has arrived. */
static void read_marker(const char *path, struct arrivals *out)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[1024];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return;
	text[n] = '\0';
	add(out, text);
}

void arrivals_read(const char *directories, struct arrivals *out)
{
	AUTO_FREE char *pattern = xasprintf("%s/marker", directories);
	glob_t found;

	*out = (struct arrivals){ .v = NULL };
	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		read_marker(found.gl_pathv[i], out);
	globfree(&found);
}

void arrivals_free(struct arrivals *a)
{
	for (size_t i = 0; i < a->n; i++)
		arrival_free(&a->v[i]);
	free(a->v);
	*a = (struct arrivals){ .v = NULL };
}

/* --- one guest ------------------------------------------------------------ */

static char *value_or_empty(const char *text, const char *key)
{
	char *v = answer_value(text, key);

	return v ? v : xstrdup("");
}

static char *script_for(const char *root, const struct arrival_guest *g)
{
	const char *slash = strrchr(g->run_dir, '/');
	AUTO_FREE char *other =
		xstrndup(g->run_dir, slash ? (size_t)(slash - g->run_dir) : 0);
	struct buf b = { 0 };

	quote_assign(&b, "key", g->key ? g->key : "");
	quote_assign(&b, "other", other);
	buf_printf(&b, "%sarriving ", arriving_sh);
	quote_word(&b, root);
	buf_printf(&b, " %d %llu\n", (int)g->pid,
		   (unsigned long long)g->start_ticks);
	return buf_steal(&b);
}

int arrival_of(struct host *h, const char *root, const struct arrival_guest *g,
	       struct arrival *out, char **dir, struct mono deadline,
	       struct err *err)
{
	AUTO_BUF struct buf text = { 0 };
	AUTO_FREE char *script = NULL;

	*out = (struct arrival){ .run = NULL };
	*dir = NULL;
	/* what nobody has brought has none */
	if (!g->run_dir)
		return 0;
	script = script_for(root, g);
	if (probe_script(h, "arrival", script, &text, deadline, err) < 0)
		return -1;
	*dir = answer_value(buf_data(&text), "directory");
	if (!*dir)
		return 0;
	*out = (struct arrival){
		.run = value_or_empty(buf_data(&text), "run"),
		.guest = value_or_empty(buf_data(&text), "guest"),
		.source = value_or_empty(buf_data(&text), "source"),
	};
	return 1;
}
