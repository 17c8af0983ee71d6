/* SPDX-License-Identifier: MIT */
/*
 * sshd_fixture: a throw-away sshd on loopback, run by the user of the test,
 * with keys of its own in a directory of its own; and an echo server.
 */
#ifndef TESTS_UNIT_SSHD_FIXTURE_H
#define TESTS_UNIT_SSHD_FIXTURE_H

#include <stdbool.h>
#include <sys/types.h>

#include "transport/base/err.h"
#include "transport/host_open.h"

/* Long enough that only a hang meets it. */
#define SSHD_SOON mono_in_ms(60000)

/*
 * The directory holds hostkey (ed25519), id (ed25519, authorized), known_hosts
 * (with the host key), config (for ssh -F: no agent, key id, known_hosts).
 */
struct sshd {
	char dir[64];
	char *config; /* DIR/config */
	pid_t pid;
	int port;
	char target[64];  /* "127.0.0.1:PORT" */
	bool own_shadow;  /* DIR/shadow is its /etc/shadow, */
	bool own_passwd;  /* DIR/passwd its /etc/passwd */
	bool own_sudoers; /* DIR/sudoers its /etc/sudoers */
};

/* Starts one with @extra lines in its configuration; skips without sshd. */
struct sshd *sshd_start(const char *extra);
/*
 * The same, in a mount namespace in which @password is root's. Needs root.
 */
struct sshd *sshd_start_with_password(const char *password, const char *extra);
/*
 * The same, where @shell is root's login shell; skips where it is not
 * installed. Needs root.
 */
struct sshd *sshd_start_with_shell(const char *shell, const char *extra);
/*
 * The same, where SSHD_PORTER may log in, too, an ordinary user with the
 * password SSHD_PORTER_PASSWORD, and sudo does what @sudoers says; skips
 * without sudo. Needs root. The target is that user's.
 */
#define SSHD_PORTER "porter"
#define SSHD_PORTER_PASSWORD "open sesame"
enum { SSHD_PORTER_UID = 64997 };
struct sshd *sshd_start_with_sudo(const char *sudoers, const char *extra);
/* Ends it and starts it again, on the same port, with @extra lines more. */
void sshd_restart(struct sshd *d, const char *extra);
/* Kills it and all sessions of it at once. */
void sshd_kill(struct sshd *d);
/* Stops all of them as they are (SIGSTOP), and lets them go on. */
void sshd_freeze(struct sshd *d);
void sshd_thaw(struct sshd *d);
/* Ends it and removes the directory. */
void sshd_stop(struct sshd *d);

/* DIR/NAME, to be freed. */
char *sshd_path(const struct sshd *d, const char *name);
/* Writes a file there. */
void sshd_write(const struct sshd *d, const char *name, const char *text);
/* Reads one; to be freed; "" when there is none. */
char *sshd_read(const struct sshd *d, const char *name);
/* ssh-keygen with @arguments for DIR/NAME; fails the test if it does. */
void sshd_keygen(const struct sshd *d, const char *name,
		 const char *const *arguments);
/* Adds DIR/NAME.pub to those that may log in. */
void sshd_authorize(const struct sshd *d, const char *name);

/* Options that make host_open() use DIR/config. Strings live with @d. */
struct host_options sshd_options(const struct sshd *d);

/* An echo server on the UNIX socket DIR/NAME, in threads of its own. */
struct echo;
struct echo *echo_start(const struct sshd *d, const char *name);
void echo_stop(struct echo *e);

/* Number of open descriptors of this process. */
int count_fds(void);

#endif
