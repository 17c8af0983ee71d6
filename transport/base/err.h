/* SPDX-License-Identifier: MIT */
/*
 * err: what went wrong, as a value.
 *
 * A fallible call takes `struct err *err` last and returns -1 or NULL after
 * filling it. Kinds are a closed set and the kind alone decides what happens
 * next (exit code, retry); the text is for people. A caller that adds its
 * intent wraps: the old error becomes the cause, its words kept verbatim.
 */
#ifndef TRANSPORT_BASE_ERR_H
#define TRANSPORT_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

enum err_kind {
	ERR_NONE,
	ERR_INTERNAL,  /* our own fault */
	ERR_USAGE,     /* the caller's words are off */
	ERR_SYSTEM,    /* a system call failed on this machine */
	ERR_TIMEOUT,   /* a deadline passed */
	ERR_CANCELLED, /* the user asked to stop */
	ERR_CLOSED,    /* the peer closed the connection */
	ERR_PROTOCOL,  /* the peer spoke nonsense */
	ERR_QMP,       /* QEMU answered a command with an error */
	ERR_REMOTE,    /* a command or file operation on a host failed */
	ERR_NETWORK,   /* a host cannot be reached */
	ERR_HOSTKEY,   /* a host's key is unknown, changed or revoked */
	ERR_AUTH,      /* a host refused the login */
	ERR_BECOME,    /* a host's sudo refused to make us root */
	ERR_CRYPTO,    /* no common algorithm, or an unusable key */
	ERR_BUSY,      /* somebody else holds it */
	ERR_NO_GUEST,  /* no such guest */
	ERR_AMBIGUOUS, /* more than one guest of that name */
	ERR_REFUSED,   /* preflight says no */
	ERR_BUDGET,    /* the blackout budget or the deadline would break */
	ERR_ENDED,     /* the guest ended by itself */
	ERR_UNDECIDED, /* it cannot be known who owns the guest */
	ERR_FAILED,    /* the migration failed */
	ERR_KINDS
};

/*
 * All strings are owned; `cause` is the next inner error or NULL. A zeroed
 * struct is "no error". `host` is where it happened, NULL if this host or
 * unknown; `hint` is what to do next, NULL if nothing helps.
 */
struct err {
	enum err_kind kind;
	char *message;
	char *host;
	char *hint;
	struct err *cause;
};

/* "timeout", "host-key", …: the `error.kind` of the result object. */
const char *err_kind_name(enum err_kind kind);

/*
 * Each accepts err == NULL and then does nothing. They return -1, so that
 * `return err_set(…)` reads well. err_set and err_sys drop what was there.
 */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* As err_set with kind ERR_SYSTEM; the cause is strerror(@errnum). */
int err_sys(struct err *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * Puts a new outer error around the present one. ERR_NONE as @kind keeps the
 * inner kind. Host and hint stay visible through err_host_of, err_hint_of.
 */
int err_wrap(struct err *err, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Names the host of the outermost error, unless one is named already. */
int err_at_host(struct err *err, const char *host);
/* Says what to do next; replaces an earlier hint of the outermost error. */
int err_hint(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* In every message of the chain: @to for each @from that is in it. */
void err_replace(struct err *err, const char *from, const char *to);

/* The outermost host or hint in the chain, or NULL. Borrowed. */
const char *err_host_of(const struct err *err);
const char *err_hint_of(const struct err *err);
/* True when any error of the chain is of @kind. */
bool err_has(const struct err *err, enum err_kind kind);
/* "message: cause: cause", to be freed. */
char *err_text(const struct err *err);

/* Frees the contents and leaves "no error". */
void err_reset(struct err *err);
/* Copies all of @from into @to, dropping what @to held. */
void err_copy(struct err *to, const struct err *from);
/* Moves @from into @to (dropping what @to held); @from is empty after. */
void err_move(struct err *to, struct err *from);
#define AUTO_ERR __attribute__((cleanup(err_reset)))

#endif
