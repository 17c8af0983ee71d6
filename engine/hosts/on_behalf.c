/* SPDX-License-Identifier: MIT */
/* on_behalf: this program, run on this host with the rights of another user. */
#include "engine/hosts/on_behalf.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/hosts/as_user.h"
#include "transport/base/xalloc.h"
#include "transport/child.h"

extern const char as_user_become_sh[];

enum {
	MOST_BYTES = 1 << 20,
	/* of sh and setpriv, which say so where they cannot start it */
	STATUS_NO_EXEC = 126,
	STATUS_NOT_FOUND = 127,
};

static const char path[] =
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/* Our working directory may be one that the user cannot enter. */
static const char begin_sh[] = "cd / && exec sh -c \"$0\" sh \"$@\"";

void on_behalf_free(struct on_behalf *b)
{
	buf_free(&b->out);
	buf_free(&b->err);
	*b = (struct on_behalf){ .status = 0 };
}

/* As a login would set it. */
static void set_environment(const struct local_user *u, struct strv *env)
{
	strv_pushf(env, "PATH=%s", path);
	strv_pushf(env, "HOME=%s", u->home);
	strv_pushf(env, "USER=%s", u->name);
	strv_pushf(env, "LOGNAME=%s", u->name);
	strv_pushf(env, "XDG_RUNTIME_DIR=/run/user/%u", (unsigned int)u->uid);
	strv_push(env, "LC_ALL=C.UTF-8");
}

/* The program is descriptor 3. */
static void set_words(const struct local_user *u, const struct strv *words,
		      struct strv *argv)
{
	const char *const first[] = { "sh", "-c", begin_sh, as_user_become_sh,
				      u->name };

	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		strv_push(argv, first[i]);
	strv_pushf(argv, "%u", (unsigned int)u->gid);
	strv_push(argv, ""); /* no keyring of ours */
	strv_push(argv, "/proc/self/fd/3");
	strv_push_all(argv, words);
}

static int judge(const struct local_user *u, struct on_behalf *b,
		 struct err *err)
{
	if (b->status != AS_USER_KEYRING_STATUS &&
	    b->status != STATUS_NO_EXEC && b->status != STATUS_NOT_FOUND)
		return 0;
	err_set(err, ERR_SYSTEM, "%s",
		buf_len(&b->err) ? buf_data(&b->err) : "it said nothing");
	return err_wrap(err, ERR_SYSTEM,
			"vmferry cannot be run with the rights of %s", u->name);
}

int on_behalf_run(const struct local_user *u, const char *program,
		  const struct strv *words, struct on_behalf *out,
		  struct mono deadline, struct err *err)
{
	AUTO_FD int fd = open(program, O_RDONLY | O_CLOEXEC);
	AUTO_STRV struct strv env = { .v = NULL };
	AUTO_STRV struct strv argv = { .v = NULL };
	struct child_spec spec = {
		.in = CHILD_FD_NULL,
		.out = CHILD_FD_PIPE,
		.err = CHILD_FD_PIPE,
		.more = &fd,
		.n_more = 1,
		.new_session = true,
	};

	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", program);
	set_environment(u, &env);
	set_words(u, words, &argv);
	spec.argv = (const char *const *)strv_argv(&argv);
	spec.env = strv_argv(&env);
	if (child_run_spec(&spec, NULL, 0, MOST_BYTES, deadline, &out->status,
			   &out->out, &out->err, err) < 0)
		return err_wrap(err, ERR_NONE,
				"vmferry was run with the rights of %s",
				u->name);
	return judge(u, out, err);
}
