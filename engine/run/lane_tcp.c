/* SPDX-License-Identifier: MIT */
/* lane_tcp: the stream over plain TCP. The theory is in lane_tcp.h. */
#include "engine/run/lane_tcp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/probe.h"
#include "engine/run/run.h"
#include "qmp/qmp.h"
#include "qmp/qmp_migrate.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/stream_fd.h"
#include "transport/tunnel_fd.h"

extern const char lane_tcp_accepted_sh[];

enum { KERNEL_ADDRESS = 48 }; /* "0100007F:D61C", and longer ones */

struct lane_tcp {
	char client[LANE_TCP_ADDRESS]; /* where our login comes from */
	char server[LANE_TCP_ADDRESS]; /* and what it reached */
};

/* --- addresses ------------------------------------------------------------ */

bool lane_tcp_parse(const char *text, char *client, char *server)
{
	char rest;
	unsigned int from, to;

	return sscanf(text, "%63s %5u %63s %5u %c", client, &from, server, &to,
		      &rest) == 4;
}

static bool is_loopback(const char *address)
{
	return !strncmp(address, "127.", 4) || !strcmp(address, "::1");
}

const char *lane_tcp_unfit(const char *address)
{
	unsigned char raw[sizeof(struct in6_addr)];

	if (strchr(address, '%'))
		return "it is good for one of its networks only";
	if (inet_pton(AF_INET, address, raw) != 1 &&
	    inet_pton(AF_INET6, address, raw) != 1)
		return "it is no IP address";
	return NULL;
}

char *lane_tcp_uri(const char *address)
{
	bool v6 = strchr(address, ':') != NULL;

	return xasprintf("tcp:%s%s%s:%d,to=%d", v6 ? "[" : "", address,
			 v6 ? "]" : "", LANE_TCP_FIRST_PORT,
			 LANE_TCP_LAST_PORT);
}

/* The words of an address in the order of this machine, as the kernel does. */
static void print_words(char *out, const void *address, size_t bytes)
{
	uint32_t word;

	for (size_t i = 0; i < bytes; i += sizeof(word), out += 8) {
		memcpy(&word, (const char *)address + i, sizeof(word));
		snprintf(out, 9, "%08X", word);
	}
}

static void print_kernel(const struct sockaddr_storage *from, char *out)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	memcpy(&v4, from, sizeof(v4));
	memcpy(&v6, from, sizeof(v6));
	if (from->ss_family == AF_INET6)
		print_words(out, &v6.sin6_addr, sizeof(v6.sin6_addr));
	else
		print_words(out, &v4.sin_addr, sizeof(v4.sin_addr));
	snprintf(out + strlen(out), 6, ":%04X",
		 ntohs(from->ss_family == AF_INET6 ? v6.sin6_port
						   : v4.sin_port));
}

static bool same_address(const char *a, const char *b)
{
	size_t len = strcspn(a, ":");

	return len == strcspn(b, ":") && !strncmp(a, b, len);
}

bool lane_tcp_is_ours(const char *peer, const struct sockaddr_storage *own,
		      const char *client)
{
	struct sockaddr_storage from = { .ss_family = AF_INET };
	char as_own[KERNEL_ADDRESS], as_client[KERNEL_ADDRESS];

	print_kernel(own, as_own);
	/* somebody else's of this host has another port */
	if (same_address(peer, as_own))
		return !strcmp(peer, as_own);
	if (inet_pton(AF_INET, client,
		      &((struct sockaddr_in *)&from)->sin_addr) != 1) {
		from.ss_family = AF_INET6;
		if (inet_pton(AF_INET6, client,
			      &((struct sockaddr_in6 *)&from)->sin6_addr) != 1)
			return false;
	}
	print_kernel(&from, as_client);
	return same_address(peer, as_client);
}

/* --- where to ------------------------------------------------------------- */

struct lane_tcp *lane_tcp_new(struct host *h, struct err *err)
{
	AUTO_BUF struct buf text = { 0 };
	AUTO_FREE char *said = NULL;
	struct lane_tcp *l;
	const char *unfit;

	if (probe_script(h, "address", "echo \"login=$SSH_CONNECTION\"\n",
			 &text, mono_in_ms(RUN_SCRIPT_MS), err) < 0)
		return NULL;
	said = answer_value(buf_data(&text), "login");
	l = XNEW(struct lane_tcp);
	if (!said || !lane_tcp_parse(said, l->client, l->server)) {
		free(l);
		err_set(err, ERR_REFUSED,
			"%s does not say at which address the login reached it",
			host_name(h));
		return NULL;
	}
	unfit = lane_tcp_unfit(l->server);
	if (!unfit)
		return l;
	err_set(err, ERR_REFUSED, "%s is known to the login as %s, and %s",
		host_name(h), l->server, unfit);
	free(l);
	return NULL;
}

void lane_tcp_free(struct lane_tcp *l)
{
	free(l);
}

const char *lane_tcp_address(const struct lane_tcp *l)
{
	return l->server;
}

bool lane_tcp_is_inward(const struct lane_tcp *l)
{
	return is_loopback(l->server);
}

/* --- opening -------------------------------------------------------------- */

static int listen_there(struct run *r, const struct lane_tcp *l, uint16_t *port,
			struct err *err)
{
	AUTO_FREE char *uri = lane_tcp_uri(l->server);

	if (qmp_migrate_incoming(r->dst.qmp, uri, run_qmp_deadline(), err) <
		    0 ||
	    qmp_query_incoming_port(r->dst.qmp, port, run_qmp_deadline(), err) <
		    0) {
		err_wrap(err, ERR_FAILED,
			 "QEMU on %s does not listen at %s, ports %d to %d",
			 host_name(r->dst.host), l->server, LANE_TCP_FIRST_PORT,
			 LANE_TCP_LAST_PORT);
		return err_at_host(err, host_name(r->dst.host));
	}
	return 0;
}

static int connect_there(struct run *r, const struct lane_tcp *l, uint16_t port,
			 struct err *err)
{
	AUTO_FREE char *number = xasprintf("%u", port);
	int fd = stream_fd_dial_tcp(l->server, number,
				    mono_in_ms(LANE_TCP_CONNECT_MS), err);

	if (fd >= 0 || err_has(err, ERR_CANCELLED))
		return fd;
	err_wrap(err, ERR_NETWORK,
		 "QEMU on %s listens at %s port %u, and cannot be reached "
		 "there",
		 host_name(r->dst.host), l->server, port);
	err_hint(err,
		 "a firewall may drop it: let this host connect to TCP ports "
		 "%d to %d of %s, or use --transport ssh",
		 LANE_TCP_FIRST_PORT, LANE_TCP_LAST_PORT,
		 host_name(r->dst.host));
	return err_at_host(err, host_name(r->dst.host));
}

static char *ask_accepted(struct run *r, uint16_t port, struct err *err)
{
	AUTO_BUF struct buf script = { 0 };
	struct buf text = { 0 };

	buf_printf(&script, "pid=%d port=%04X\n%s", (int)r->dest.pid, port,
		   lane_tcp_accepted_sh);
	if (probe_script(r->dst.host, "connection", buf_data(&script), &text,
			 mono_in_ms(RUN_SCRIPT_MS), err) == 0)
		return buf_steal(&text);
	buf_free(&text);
	return NULL;
}

static int refuse_unseen(const struct run *r, struct err *err)
{
	err_set(err, ERR_REFUSED,
		"it cannot be seen whose connection QEMU on %s has accepted",
		host_name(r->dst.host));
	err_hint(err, "use --transport ssh");
	return err_at_host(err, host_name(r->dst.host));
}

static int judge(const struct run *r, const struct lane_tcp *l, int fd,
		 const char *text, struct err *err)
{
	AUTO_FREE char *peers = answer_value(text, "peers");
	AUTO_FREE char *peer = answer_value(text, "peer");
	struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(own);

	if (!peers || !peer ||
	    getsockname(fd, (struct sockaddr *)&own, &len) < 0)
		return refuse_unseen(r, err);
	if (!strcmp(peers, "1") && lane_tcp_is_ours(peer, &own, l->client))
		return 0;
	if (!strcmp(peers, "0"))
		err_set(err, ERR_NETWORK,
			"%s was reached at %s, but QEMU there has accepted no "
			"connection: it may be another machine's address, too",
			host_name(r->dst.host), l->server);
	else
		err_set(err, ERR_FAILED,
			"QEMU on %s has accepted a connection that is not from "
			"here; nothing was sent",
			host_name(r->dst.host));
	err_hint(err, "use --transport ssh");
	return err_at_host(err, host_name(r->dst.host));
}

/* Nothing is sent to anybody else. */
static int make_sure(struct run *r, const struct lane_tcp *l, int fd,
		     uint16_t port, struct err *err)
{
	AUTO_FREE char *text = ask_accepted(r, port, err);

	return text ? judge(r, l, fd, text, err) : -1;
}

struct tunnel *lane_tcp_open(struct run *r, const struct lane_tcp *l,
			     struct err *err)
{
	AUTO_FD int fd = -1;
	uint16_t port = 0;

	if (listen_there(r, l, &port, err) < 0)
		return NULL;
	fd = connect_there(r, l, port, err);
	if (fd < 0 || make_sure(r, l, fd, port, err) < 0)
		return NULL;
	return tunnel_fd_new(host_name(r->dst.host), steal_fd(&fd), NULL, NULL,
			     mono_in_ms(RUN_CONNECT_MS), err);
}
