/* SPDX-License-Identifier: MIT */
/* ssh_kexinit: what a server says it can do. */
#include "transport/endpoint/ssh_kexinit.h"

#include <string.h>

#include "transport/base/xalloc.h"

enum {
	MSG_IGNORE = 2,
	MSG_DEBUG = 4,
	MSG_KEXINIT = 20,
	COOKIE_BYTES = 16,
};

static void skip(struct ssh_bytes *b, size_t n)
{
	b->data += n;
	b->len -= n;
}

/* Lines may come before the version. */
static int skip_banner(struct ssh_bytes *b)
{
	for (;;) {
		const unsigned char *end = memchr(b->data, '\n', b->len);
		bool version = b->len > 4 && !memcmp(b->data, "SSH-", 4);

		if (!end)
			return -1;
		skip(b, (size_t)(end - b->data) + 1);
		if (version)
			return 0;
	}
}

/* The payload of the packet that @b begins with. */
static int take_packet(struct ssh_bytes *b, struct ssh_bytes *payload)
{
	struct ssh_bytes packet;
	uint8_t padding;

	if (ssh_take_string(b, &packet) < 0 ||
	    ssh_take_u8(&packet, &padding) < 0 || padding > packet.len)
		return -1;
	packet.len -= padding;
	*payload = packet;
	return 0;
}

static char *read_kexinit(struct ssh_bytes payload)
{
	struct ssh_bytes kex, hostkeys;

	if (payload.len < COOKIE_BYTES)
		return NULL;
	skip(&payload, COOKIE_BYTES);
	if (ssh_take_string(&payload, &kex) < 0 ||
	    ssh_take_string(&payload, &hostkeys) < 0 ||
	    memchr(hostkeys.data, '\0', hostkeys.len))
		return NULL;
	return xstrndup((const char *)hostkeys.data, hostkeys.len);
}

char *ssh_kexinit_hostkeys(struct ssh_bytes bytes)
{
	struct ssh_bytes payload;
	uint8_t type;

	if (!bytes.len || skip_banner(&bytes) < 0)
		return NULL;
	while (take_packet(&bytes, &payload) == 0 &&
	       ssh_take_u8(&payload, &type) == 0) {
		if (type == MSG_KEXINIT)
			return read_kexinit(payload);
		if (type != MSG_IGNORE && type != MSG_DEBUG)
			return NULL;
	}
	return NULL;
}
