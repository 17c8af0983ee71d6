/* SPDX-License-Identifier: MIT */
/*
 * plugged_net: a network backend of a guest as the option that would make it
 * anew; pure.
 *
 * No command of QMP says what a backend is. `info network` of the human
 * monitor has it in the words of net/tap.c, net/slirp.c and net/bridge.c:
 *
 *	 \ n1: index=0,type=tap,ifname=tap0,script=no,downscript=no
 *	n2: index=0,type=user,net=10.0.2.0,restrict=off
 */
#ifndef ENGINE_GUEST_PLUGGED_NET_H
#define ENGINE_GUEST_PLUGGED_NET_H

#include "transport/base/err.h"
#include "transport/base/strv.h"

/*
 * The value of -netdev for the backend @id, to be freed; @network and @usernet
 * are what `info network` and `info usernet` print. NULL with ERR_REFUSED: it
 * cannot be made anew, with the reason.
 */
char *plugged_net(const char *id, const char *network, const char *usernet,
		  struct err *err);

#endif
