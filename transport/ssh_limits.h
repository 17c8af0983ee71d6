/* SPDX-License-Identifier: MIT */
/*
 * ssh_limits: which settings of ssh(1) the libssh2 back end does not follow.
 *
 * An allow-list: a setting that is neither followed nor without meaning for us
 * must have ssh(1)'s own default, whatever it is and whichever version brought
 * it; else ssh(1) logs in (--ssh auto), or nobody does (--ssh libssh2).
 */
#ifndef TRANSPORT_SSH_LIMITS_H
#define TRANSPORT_SSH_LIMITS_H

#include "transport/base/strv.h"
#include "transport/ssh_config.h"

/*
 * Appends the lines of @text, the output of `ssh -G`, that cannot be followed.
 * @usual: the same where nothing is configured.
 */
void ssh_limits_read(struct strv *beyond, const char *text, const char *usual);
/*
 * Appends to @c->beyond the paths of @c, expanded, that cannot be understood:
 * one with a token that is left, or a known_hosts file that is not absolute,
 * which may be a part of a name with blanks.
 */
void ssh_limits_paths(struct ssh_config *c);

#endif
