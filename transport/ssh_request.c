/* SPDX-License-Identifier: MIT */
/* ssh_request: what an endpoint wants signed. */
#include "transport/ssh_request.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"

enum { USERAUTH_REQUEST = 50, HASH_MIN = 20, HASH_MAX = 64 };

static bool takes(struct ssh_bytes *from, const char *text)
{
	struct ssh_bytes s;

	return ssh_take_string(from, &s) == 0 && ssh_bytes_are(s, text);
}

static bool takes_u8(struct ssh_bytes *from, uint8_t value)
{
	uint8_t v;

	return ssh_take_u8(from, &v) == 0 && v == value;
}

char *ssh_request_algorithm(struct ssh_bytes request, const char *user,
			    struct ssh_bytes blob)
{
	struct ssh_bytes id, algorithm, key;

	if (ssh_take_string(&request, &id) < 0 || id.len < HASH_MIN ||
	    id.len > HASH_MAX || !takes_u8(&request, USERAUTH_REQUEST) ||
	    !takes(&request, user) || !takes(&request, "ssh-connection") ||
	    !takes(&request, "publickey") || !takes_u8(&request, 1) ||
	    ssh_take_string(&request, &algorithm) < 0 ||
	    ssh_take_string(&request, &key) < 0 ||
	    !ssh_bytes_equal(key, blob) || request.len ||
	    memchr(algorithm.data, '\0', algorithm.len))
		return NULL;
	return xstrndup((const char *)algorithm.data, algorithm.len);
}
