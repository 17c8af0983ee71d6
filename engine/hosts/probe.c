/* SPDX-License-Identifier: MIT */
/* probe: what a host is like, asked once by a read-only script. */
#include "engine/hosts/probe.h"

#include "engine/hosts/answer.h"
#include "engine/hosts/login_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"
#include "transport/host_open.h"
#include "transport/quote.h"

/* probe_*.sh */
extern const char probe_host_sh[], probe_files_sh[], probe_qemu_sh[];
extern const char probe_package_sh[];

enum { PROBE_MAX_OUTPUT = 4 * 1024 * 1024 };

int probe_script(struct host *h, const char *what, const char *script,
		 struct buf *out, struct mono deadline, struct err *err)
{
	static const char *const sh[] = { "sh", NULL };
	AUTO_FREE char *whole = xasprintf(PROBE_SCRIPT_FORM, script);
	struct host_command cmd = {
		.argv = sh,
		.input = whole,
		.input_len = strlen(whole),
		.max_output = PROBE_MAX_OUTPUT,
		.deadline = deadline,
	};
	struct host_result res = { 0 };
	int rc = 0;

	if (host_run(h, &cmd, &res, err) < 0) {
		rc = err_wrap(err, ERR_NONE, "cannot run the %s script", what);
	} else if (res.status) {
		err_set(err, ERR_REMOTE, "%s",
			buf_len(&res.err) ? buf_data(&res.err) : "no message");
		rc = err_wrap(err, ERR_REMOTE,
			      "the %s script failed with status %d", what,
			      res.status);
		err_at_host(err, host_name(h));
	} else {
		*out = res.out;
		res.out = (struct buf){ .base = NULL };
	}
	host_result_free(&res);
	return rc;
}

static char *value_or_empty(const char *text, const char *key)
{
	char *v = answer_value(text, key);

	return v ? v : xstrdup("");
}

static uint64_t value_u64(const char *text, const char *key)
{
	AUTO_FREE char *v = answer_value(text, key);

	return v ? strtoull(v, NULL, 10) : 0;
}

/* --- hosts --------------------------------------------------------------- */

/* The next number of @*text, at least 0; false if there is none. */
static bool take_number(const char **text, uint64_t *out)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(*text, &end, 10);
	if (end == *text)
		return false;
	*out = errno || n < 0 ? 0 : (uint64_t)n;
	*text = end;
	return true;
}

void probe_room_read(const char *text, struct probe_room *out)
{
	uint64_t blocks, size, inodes, free_inodes;

	*out = (struct probe_room){ .known = false };
	if (!take_number(&text, &blocks) || !take_number(&text, &size) ||
	    !take_number(&text, &inodes) || !take_number(&text, &free_inodes))
		return;
	if (__builtin_mul_overflow(blocks, size, &out->free_bytes))
		out->free_bytes = UINT64_MAX;
	out->known = size > 0;
	out->inodes_known = inodes > 0;
	out->free_inodes = free_inodes;
}

int probe_host_token(struct host *h, const char *token_file,
		     struct host_facts *out, struct mono deadline,
		     struct err *err)
{
	AUTO_FREE char *identity = identity_script(token_file);
	AUTO_FREE char *script = xasprintf("%s%s%secho session=$session\n",
					   identity, probe_host_sh,
					   login_session_find_sh);
	AUTO_FREE char *room = NULL;
	AUTO_BUF struct buf text = { 0 };
	const char *t;

	if (probe_script(h, "probe", script, &text, deadline, err) < 0)
		return -1;
	t = buf_data(&text);
	*out = (struct host_facts){
		.hostname = value_or_empty(t, "hostname"),
		.namespaces = value_or_empty(t, "namespaces"),
		.run_root = value_or_empty(t, "run_root"),
		.state_root = value_or_empty(t, "state_root"),
		.session = value_or_empty(t, "session"),
		.uid = (uid_t)value_u64(t, "uid"),
		.systemd = value_u64(t, "systemd") != 0,
		.memory_available_bytes = value_u64(t, "memory") * 1024,
	};
	identity_space_read(t, &out->space);
	room = value_or_empty(t, "room");
	probe_room_read(room, &out->room);
	if (out->run_root[0] != '/')
		return err_set(err, ERR_REMOTE,
			       "%s told no place for run directories",
			       host_name(h));
	return 0;
}

int probe_host(struct host *h, struct host_facts *out, struct mono deadline,
	       struct err *err)
{
	return probe_host_token(h, NULL, out, deadline, err);
}

int probe_here(struct host_facts *out, struct mono deadline, struct err *err)
{
	struct host *here = host_local_new();
	int rc = probe_host(here, out, deadline, err);

	host_close(here);
	return rc;
}

void host_facts_free(struct host_facts *f)
{
	free(f->hostname);
	free(f->namespaces);
	free(f->run_root);
	free(f->state_root);
	free(f->session);
	*f = (struct host_facts){ 0 };
}

bool probe_same_host(const struct host_facts *a, const struct host_facts *b)
{
	return a->space.boot[0] && !strcmp(a->space.boot, b->space.boot) &&
	       !strcmp(a->namespaces, b->namespaces);
}

/* --- files --------------------------------------------------------------- */

static void file_script(struct buf *b, const char *path)
{
	buf_printf(b, "f ");
	quote_word(b, path);
	buf_printf(b, "\n");
}

static char type_letter(const char *word)
{
	static const struct {
		const char *word;
		char letter;
	} types[] = {
		{ "regular", 'f' },
		{ "directory", 'd' },
		{ "block", 'b' },
		{ "socket", 's' },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!strncmp(word, types[i].word, strlen(types[i].word)))
			return types[i].letter;
	}
	return 'o';
}

/* "inode size rw magic type words", or "-" for what does not exist. */
static void parse_file(const char *line, struct probe_file *f)
{
	enum { FUSE_MAGIC = 0x65735546 };
	unsigned long long inode, size, magic;
	char access[3];
	int at = 0;

	*f = (struct probe_file){ .exists = false };
	if (sscanf(line, "%llu %llu %2s %llx %n", &inode, &size, access, &magic,
		   &at) < 4)
		return;
	*f = (struct probe_file){
		.exists = true,
		.type = type_letter(line + at),
		.inode = inode,
		.size_bytes = size,
		.fuse = magic == FUSE_MAGIC,
		.access_known = access[0] != '?',
		.readable = access[0] == 'r',
		.writable = access[1] == 'w',
	};
}

int probe_files(struct host *h, const struct strv *paths,
		const struct as_user *user, struct probe_file *out,
		struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };
	const char *line;

	if (!paths->n)
		return 0;
	as_user_assign(&script, user);
	buf_printf(&script, "%s%s", as_user_sh, probe_files_sh);
	for (size_t i = 0; i < paths->n; i++)
		file_script(&script, paths->v[i]);
	if (probe_script(h, "file probe", buf_data(&script), &text, deadline,
			 err) < 0)
		return -1;
	line = buf_data(&text);
	for (size_t i = 0; i < paths->n; i++) {
		const char *end = strchr(line, '\n');

		if (!end)
			return err_set(err, ERR_REMOTE,
				       "the file probe on %s "
				       "answered too little",
				       host_name(h));
		parse_file(line, &out[i]);
		line = end + 1;
	}
	return 0;
}

/* --- QEMU ---------------------------------------------------------------- */

int probe_qemu(struct host *h, const char *binary, bool or_base,
	       const char *machine, const struct as_user *user,
	       struct probe_qemu *out, struct mono deadline, struct err *err)
{
	const char *base = strrchr(binary, '/');
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };
	AUTO_FREE char *known = NULL;
	AUTO_FREE char *path = NULL;

	*out = (struct probe_qemu){ .path = NULL };
	quote_assign(&script, "binary", binary);
	if (!or_base)
		base = binary;
	else
		base = base ? base + 1 : binary;
	quote_assign(&script, "base", base);
	quote_assign(&script, "machine", machine);
	as_user_assign(&script, user);
	buf_printf(&script, "%s%s", as_user_sh, probe_qemu_sh);
	if (probe_script(h, "QEMU probe", buf_data(&script), &text, deadline,
			 err) < 0)
		return -1;
	path = answer_value(buf_data(&text), "path");
	if (!path || path[0] != '/')
		return 0;
	known = answer_value(buf_data(&text), "machine");
	*out = (struct probe_qemu){
		.path = STEAL(path),
		.version = value_or_empty(buf_data(&text), "version"),
		.machine_known = known != NULL,
	};
	return 0;
}

char *probe_package(struct host *h, struct mono deadline)
{
	AUTO_BUF struct buf text = { 0 };

	if (probe_script(h, "package probe", probe_package_sh, &text, deadline,
			 NULL) < 0)
		return NULL;
	return answer_value(buf_data(&text), "package");
}

void probe_qemu_free(struct probe_qemu *q)
{
	free(q->path);
	free(q->version);
	*q = (struct probe_qemu){ .path = NULL };
}
