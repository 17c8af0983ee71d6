/* SPDX-License-Identifier: MIT */
/* net_facts: what a host's network is for a guest. */
#include "engine/hosts/net_facts.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/probe.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/quote.h"

extern const char net_facts_sh[];

/* More than that no QEMU has open, and no host answers. */
enum { FOUND_MAX = 256, ALIVE_MAX = 256 };

static void link_free(struct net_link *l)
{
	free(l->name);
	free(l->self.others);
	free(l->master);
	free(l->bridge.others);
	free(l->vlans);
}

static void links_free(struct net_link *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		link_free(&v[i]);
	free(v);
}

void net_facts_free(struct net_facts *f)
{
	links_free(f->asked, f->n_asked);
	links_free(f->found, f->n_found);
	strv_free(&f->alive);
	strv_free(&f->tcp);
	strv_free(&f->udp);
	strv_free(&f->addresses);
	*f = (struct net_facts){ .n_asked = 0 };
}

void net_asker_free(struct net_asker *a)
{
	strv_free(&a->links);
	strv_free(&a->macs);
	strv_free(&a->tcp);
	strv_free(&a->udp);
}

/* --- answers -------------------------------------------------------------- */

/* "KEY.FACT=value" in @text, safe to be shown; NULL: no such line. */
static char *fact(const char *text, const char *key, const char *name)
{
	AUTO_FREE char *whole = xasprintf("%s.%s", key, name);
	AUTO_FREE char *value = answer_value(text, whole);

	return value ? answer_safe_value(value) : NULL;
}

static long number(const char *text, const char *key, const char *name,
		   long missing)
{
	AUTO_FREE char *value = fact(text, key, name);
	char *end;
	long n;

	if (!value || !*value)
		return missing;
	n = strtol(value, &end, 0);
	return *end || n < 0 || n > UINT32_MAX ? missing : n;
}

static void read_iface(const char *text, const char *key, struct net_iface *i)
{
	enum { IS_UP = 1, IS_TAP = 2, MULTI_QUEUE = 0x100 };
	AUTO_FREE char *kind = fact(text, key, "kind");
	long filters = number(text, key, "filters", -1);
	long tun = number(text, key, "tun_flags", IS_TAP);

	*i = (struct net_iface){ .owner = -1, .group = -1, .filters = -1 };
	if (!kind)
		return;
	i->kind = !strcmp(kind, "tun") && tun & IS_TAP ? NET_TAP
		  : !strcmp(kind, "bridge")	       ? NET_BRIDGE
						       : NET_OTHER;
	i->up = number(text, key, "flags", 0) & IS_UP;
	i->carrier = number(text, key, "carrier", 0) == 1;
	i->many_queues = tun & MULTI_QUEUE;
	i->mtu = (unsigned int)number(text, key, "mtu", 0);
	i->owner = number(text, key, "owner", -1);
	i->group = number(text, key, "group", -1);
	i->filters = filters < 0 ? -1 : filters != 0;
	i->others = fact(text, key, "others");
}

static void read_link(const char *text, const char *key, const char *name,
		      struct net_link *l)
{
	AUTO_FREE char *bridge = xasprintf("%s.bridge", key);
	AUTO_FREE char *acl = fact(text, "acl", key);

	*l = (struct net_link){ .name = answer_safe_value(name) };
	read_iface(text, key, &l->self);
	read_iface(text, bridge, &l->bridge);
	l->helper = acl && !strcmp(acl, "allow") ? 1 : acl ? 0 : -1;
	l->master = fact(text, key, "master");
	l->vlans = fact(text, key, "vlans");
	if (l->vlans && !*l->vlans) {
		free(l->vlans);
		l->vlans = NULL;
	}
}

static void read_found(const char *text, struct net_facts *f)
{
	for (; f->n_found < FOUND_MAX; f->n_found++) {
		AUTO_FREE char *key = xasprintf("found.%zu", f->n_found);
		AUTO_FREE char *name = answer_value(text, key);

		if (!name)
			return;
		f->found =
			xrealloc(f->found, f->n_found + 1, sizeof(*f->found));
		read_link(text, key, name, &f->found[f->n_found]);
	}
}

/* The words of the line @key, as they are. */
static void read_words(const char *text, const char *key, struct strv *out)
{
	AUTO_FREE char *value = answer_value(text, key);
	AUTO_FREE char *safe = answer_safe_value(value);
	char *rest = safe, *word;

	while ((word = strsep(&rest, " "))) {
		if (*word)
			strv_push(out, word);
	}
}

static void read_alive(const char *text, struct strv *out)
{
	for (size_t i = 0; i < ALIVE_MAX; i++) {
		AUTO_FREE char *key = xasprintf("alive.%zu", i);
		AUTO_FREE char *value = answer_value(text, key);

		if (!value)
			return;
		strv_take(out, answer_safe_value(value));
	}
}

static void read_tun(const char *text, struct net_facts *f)
{
	AUTO_FREE char *value = answer_value(text, "tun");
	unsigned int mode;

	f->tun_mode = -1;
	if (value && sscanf(value, "%9o %9ld %9ld", &mode, &f->tun_uid,
			    &f->tun_gid) == 3)
		f->tun_mode = (long)mode;
}

static bool has(const char *text, const char *key)
{
	AUTO_FREE char *value = answer_value(text, key);

	return value != NULL;
}

void net_facts_parse(const char *text, const struct strv *links,
		     struct net_facts *out)
{
	*out = (struct net_facts){ .n_asked = links->n };
	out->asked = xcalloc(links->n, sizeof(*out->asked));
	for (size_t i = 0; i < links->n; i++) {
		AUTO_FREE char *key = xasprintf("%zu", i);

		read_link(text, key, links->v[i], &out->asked[i]);
	}
	read_found(text, out);
	read_tun(text, out);
	out->apart = has(text, "apart");
	out->silent = has(text, "silent");
	read_alive(text, &out->alive);
	read_words(text, "tcp", &out->tcp);
	read_words(text, "udp", &out->udp);
	read_words(text, "addresses", &out->addresses);
}

/* --- questions ------------------------------------------------------------ */

static void ask_ports(struct buf *script, const char *protocol,
		      const char *state, const struct strv *ports)
{
	AUTO_FREE char *any = NULL;

	if (!ports->n)
		return;
	any = strv_join(ports, "|");
	buf_printf(script, "sockets_at %s %s ", protocol, state);
	quote_word(script, any);
	buf_printf(script, "\n");
}

int net_facts_ask(struct host *h, const struct net_asker *asker,
		  struct net_facts *out, struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };
	bool ports = asker->tcp.n || asker->udp.n;

	*out = (struct net_facts){ .n_asked = 0 };
	if (!asker->links.n && !asker->macs.n && !ports && !asker->pid &&
	    !asker->bridges)
		return 0;
	quote_assign(&script, "root", "");
	buf_printf(&script, "%s", net_facts_sh);
	for (size_t i = 0; i < asker->links.n; i++) {
		buf_printf(&script, "net_link %zu ", i);
		quote_word(&script, asker->links.v[i]);
		buf_printf(&script, "\nacl ");
		quote_word(&script, asker->links.v[i]);
		buf_printf(&script, " %zu\n", i);
	}
	if (asker->bridges)
		buf_printf(&script, "net_tun\nbridges\n");
	if (asker->pid)
		buf_printf(&script, "taps_of %d\n", (int)asker->pid);
	if (asker->macs.n) {
		AUTO_FREE char *macs = strv_join(&asker->macs, " ");

		buf_printf(&script, "learnt %s\n", macs);
	}
	ask_ports(&script, "tcp", "0A", &asker->tcp);
	ask_ports(&script, "udp", "07", &asker->udp);
	buf_printf(&script, "%sexit 0\n", ports ? "addresses\n" : "");
	if (probe_script(h, "network", buf_data(&script), &text, deadline,
			 err) < 0)
		return -1;
	net_facts_parse(buf_data(&text), &asker->links, out);
	return 0;
}

static const struct net_link *find(const struct net_link *v, size_t n,
				   const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].self.kind != NET_MISSING && !strcmp(v[i].name, name))
			return &v[i];
	}
	return NULL;
}

const struct net_link *net_facts_link(const struct net_facts *f,
				      const char *name)
{
	const struct net_link *l = find(f->asked, f->n_asked, name);

	return l ? l : find(f->found, f->n_found, name);
}

/* --- addresses ------------------------------------------------------------ */

/* An IPv4 address is one of ::ffff:0:0/96. */
struct address {
	unsigned char bytes[16];
};

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool is_v4(const struct address *a)
{
	return !memcmp(a->bytes, mapped, sizeof(mapped));
}

static bool is_any(const struct address *a)
{
	static const unsigned char zero[16];

	return is_v4(a) ? !memcmp(a->bytes + 12, zero, 4)
			: !memcmp(a->bytes, zero, 16);
}

static bool read_address(const char *text, struct address *a)
{
	if (inet_pton(AF_INET6, text, a->bytes) == 1)
		return true;
	memcpy(a->bytes, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, a->bytes + 12) == 1;
}

/* "0100007F:1F90", words of 32 bits in the order of the host's bytes. */
static bool read_socket(const char *text, struct address *a, unsigned int *port)
{
	size_t len = strcspn(text, ":");
	size_t at = len == 8 ? 12 : 0;

	if ((len != 8 && len != 32) ||
	    strspn(text, "0123456789ABCDEF") != len ||
	    sscanf(text + len, ":%4x", port) != 1)
		return false;
	memcpy(a->bytes, mapped, sizeof(mapped));
	for (; at < 16; at += 4, text += 8) {
		AUTO_FREE char *word = xstrndup(text, 8);
		uint32_t n = (uint32_t)strtoul(word, NULL, 16);

		memcpy(a->bytes + at, &n, sizeof(n));
	}
	return true;
}

/* [::] has those of IPv4, too, as QEMU and most others open it. */
static bool collide(const struct address *a, const struct address *b)
{
	if ((is_any(a) && !is_v4(a)) || (is_any(b) && !is_v4(b)))
		return true;
	if (is_v4(a) != is_v4(b))
		return false;
	return is_any(a) || is_any(b) || !memcmp(a, b, sizeof(*a));
}

static enum net_answer worse(enum net_answer a, enum net_answer b)
{
	return a == NET_YES || b == NET_NO ? a : b;
}

/* Whether a socket on @other keeps @host from its port. */
static enum net_answer keeps(const struct address *other, const char *host)
{
	struct address a;

	if (!strcmp(host, "localhost"))
		return worse(keeps(other, "127.0.0.1"), keeps(other, "::1"));
	if (!*host || !strcmp(host, "*"))
		return NET_YES;
	if (!read_address(host, &a))
		return is_any(other) ? NET_YES : NET_UNKNOWN;
	return collide(&a, other) ? NET_YES : NET_NO;
}

enum net_answer net_facts_taken(const struct net_facts *f, bool udp,
				const char *host, unsigned int port)
{
	const struct strv *sockets = udp ? &f->udp : &f->tcp;
	enum net_answer answer = NET_NO;

	for (size_t i = 0; i < sockets->n; i++) {
		struct address other;
		unsigned int its;

		if (read_socket(sockets->v[i], &other, &its) && its == port)
			answer = worse(keeps(&other, host), answer);
	}
	return answer;
}

enum net_answer net_facts_has_address(const struct net_facts *f,
				      const char *host)
{
	struct address a, b;

	if (!*host || !read_address(host, &a) || !f->addresses.n)
		return NET_UNKNOWN;
	if (is_any(&a) || (is_v4(&a) && a.bytes[12] == 127))
		return NET_YES;
	for (size_t i = 0; i < f->addresses.n; i++) {
		if (read_address(f->addresses.v[i], &b) &&
		    !memcmp(&a, &b, sizeof(a)))
			return NET_YES;
	}
	return NET_NO;
}

const char *net_facts_alive(const struct net_facts *f, const char *mac)
{
	size_t len = strlen(mac);

	for (size_t i = 0; i < f->alive.n; i++) {
		const char *line = f->alive.v[i];

		if (!strncasecmp(line, mac, len) && line[len] == ' ')
			return line + len + 1;
	}
	return NULL;
}
