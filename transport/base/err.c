/* SPDX-License-Identifier: MIT */
/* err: what went wrong, as a value with a closed kind and a cause chain. */
#include "transport/base/err.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

static const char *const kind_names[] = {
	[ERR_NONE] = "none",
	[ERR_INTERNAL] = "internal",
	[ERR_USAGE] = "usage",
	[ERR_SYSTEM] = "system",
	[ERR_TIMEOUT] = "timeout",
	[ERR_CANCELLED] = "cancelled",
	[ERR_CLOSED] = "closed",
	[ERR_PROTOCOL] = "protocol",
	[ERR_QMP] = "qmp",
	[ERR_REMOTE] = "remote",
	[ERR_NETWORK] = "network",
	[ERR_HOSTKEY] = "host-key",
	[ERR_AUTH] = "authentication",
	[ERR_BECOME] = "become",
	[ERR_CRYPTO] = "crypto",
	[ERR_BUSY] = "busy",
	[ERR_NO_GUEST] = "no-guest",
	[ERR_AMBIGUOUS] = "ambiguous",
	[ERR_REFUSED] = "refused",
	[ERR_BUDGET] = "budget",
	[ERR_ENDED] = "ended",
	[ERR_UNDECIDED] = "undecided",
	[ERR_FAILED] = "failed",
};
static_assert(ARRAY_SIZE(kind_names) == ERR_KINDS, "a name for each kind");

const char *err_kind_name(enum err_kind kind)
{
	assert(kind < ERR_KINDS);
	return kind_names[kind];
}

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	char *message;
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	message = xvasprintf(fmt, ap);
	va_end(ap);
	/* only now: the arguments may be words of the old error */
	err_reset(err);
	err->kind = kind;
	err->message = message;
	return -1;
}

int err_sys(struct err *err, int errnum, const char *fmt, ...)
{
	AUTO_FREE char *message = NULL;
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	message = xvasprintf(fmt, ap);
	va_end(ap);
	err_set(err, ERR_SYSTEM, "%s", strerror(errnum));
	return err_wrap(err, ERR_SYSTEM, "%s", message);
}

int err_wrap(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	struct err *inner;
	va_list ap;

	if (!err)
		return -1;
	inner = XNEW(struct err);
	*inner = *err;
	va_start(ap, fmt);
	*err = (struct err){
		.kind = kind == ERR_NONE ? inner->kind : kind,
		.message = xvasprintf(fmt, ap),
		.cause = inner,
	};
	va_end(ap);
	return -1;
}

int err_at_host(struct err *err, const char *host)
{
	if (err && !err->host)
		err->host = xstrdup(host);
	return -1;
}

int err_hint(struct err *err, const char *fmt, ...)
{
	char *hint;
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	hint = xvasprintf(fmt, ap);
	va_end(ap);
	free(err->hint);
	err->hint = hint;
	return -1;
}

const char *err_host_of(const struct err *err)
{
	while (err && !err->host)
		err = err->cause;
	return err ? err->host : NULL;
}

const char *err_hint_of(const struct err *err)
{
	while (err && !err->hint)
		err = err->cause;
	return err ? err->hint : NULL;
}

bool err_has(const struct err *err, enum err_kind kind)
{
	while (err && err->kind != kind)
		err = err->cause;
	return err != NULL;
}

char *err_text(const struct err *err)
{
	char *text = xstrdup(err->message ? err->message : "no error");

	for (err = err->cause; err; err = err->cause) {
		char *longer;

		if (!err->message)
			continue;
		longer = xasprintf("%s: %s", text, err->message);
		free(text);
		text = longer;
	}
	return text;
}

static void replace_all(char **text, const char *from, const char *to)
{
	AUTO_BUF struct buf b = { 0 };
	const char *rest = *text, *hit;

	while ((hit = strstr(rest, from))) {
		buf_append(&b, rest, (size_t)(hit - rest));
		buf_printf(&b, "%s", to);
		rest = hit + strlen(from);
	}
	if (rest == *text)
		return;
	buf_printf(&b, "%s", rest);
	free(*text);
	*text = buf_steal(&b);
}

void err_replace(struct err *err, const char *from, const char *to)
{
	for (; err && err->kind != ERR_NONE && *from; err = err->cause)
		replace_all(&err->message, from, to);
}

void err_reset(struct err *err)
{
	if (!err)
		return;
	err_reset(err->cause);
	free(err->cause);
	free(err->message);
	free(err->host);
	free(err->hint);
	*err = (struct err){ .kind = ERR_NONE };
}

void err_copy(struct err *to, const struct err *from)
{
	if (!to)
		return;
	err_reset(to);
	*to = (struct err){
		.kind = from->kind,
		.message = xstrdup(from->message),
		.host = xstrdup(from->host),
		.hint = xstrdup(from->hint),
	};
	if (!from->cause)
		return;
	to->cause = XNEW(struct err);
	err_copy(to->cause, from->cause);
}

void err_move(struct err *to, struct err *from)
{
	if (!to) {
		err_reset(from);
		return;
	}
	err_reset(to);
	*to = *from;
	*from = (struct err){ .kind = ERR_NONE };
}
