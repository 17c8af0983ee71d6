/* SPDX-License-Identifier: MIT */
/* ssh_format: numbers, strings and base64 as SSH writes them. */
#include "transport/endpoint/ssh_format.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <string.h>

#include "transport/base/xalloc.h"

enum { SHA256_BYTES = 32, TYPE_MAX = 128, BASE64_MAX = 1024 * 1024 };

void ssh_put_u8(struct buf *b, uint8_t v)
{
	buf_append(b, &v, 1);
}

void ssh_put_u32(struct buf *b, uint32_t v)
{
	unsigned char p[4] = { (unsigned char)(v >> 24),
			       (unsigned char)(v >> 16),
			       (unsigned char)(v >> 8), (unsigned char)v };

	buf_append(b, p, sizeof(p));
}

void ssh_put_string(struct buf *b, const void *data, size_t len)
{
	ssh_put_u32(b, (uint32_t)len);
	buf_append(b, data, len);
}

bool ssh_bytes_are(struct ssh_bytes b, const char *text)
{
	return b.len == strlen(text) && !memcmp(b.data, text, b.len);
}

bool ssh_bytes_equal(struct ssh_bytes a, struct ssh_bytes b)
{
	return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

int ssh_take_u8(struct ssh_bytes *from, uint8_t *v)
{
	if (from->len < 1)
		return -1;
	*v = from->data[0];
	from->data++;
	from->len--;
	return 0;
}

int ssh_take_u32(struct ssh_bytes *from, uint32_t *v)
{
	const unsigned char *p = from->data;

	if (from->len < 4)
		return -1;
	*v = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
	     p[3];
	from->data += 4;
	from->len -= 4;
	return 0;
}

int ssh_take_string(struct ssh_bytes *from, struct ssh_bytes *s)
{
	uint32_t len;

	if (ssh_take_u32(from, &len) < 0 || len > from->len)
		return -1;
	*s = (struct ssh_bytes){ from->data, len };
	from->data += len;
	from->len -= len;
	return 0;
}

char *ssh_blob_type(struct ssh_bytes blob)
{
	struct ssh_bytes type;

	if (ssh_take_string(&blob, &type) < 0 || !type.len ||
	    type.len > TYPE_MAX)
		return NULL;
	for (size_t i = 0; i < type.len; i++) {
		if (!isgraph(type.data[i]))
			return NULL;
	}
	return xstrndup((const char *)type.data, type.len);
}

/* --- base64 -------------------------------------------------------------- */

int ssh_base64_decode(struct buf *out, const char *text, size_t len)
{
	size_t padding = 0;
	int n;

	if (!len || len % 4 || len > BASE64_MAX)
		return -1;
	while (padding < 2 && text[len - 1 - padding] == '=')
		padding++;
	if (memchr(text, '=', len - padding))
		return -1;
	n = EVP_DecodeBlock(buf_reserve(out, len), (const unsigned char *)text,
			    (int)len);
	if (n < 0)
		return -1;
	buf_commit(out, (size_t)n - padding);
	return 0;
}

char *ssh_base64_encode(struct ssh_bytes bytes)
{
	char *text = xmalloc((bytes.len + 2) / 3 * 4 + 1);

	EVP_EncodeBlock((unsigned char *)text, bytes.data, (int)bytes.len);
	return text;
}

char *ssh_fingerprint(struct ssh_bytes blob)
{
	unsigned char hash[SHA256_BYTES];
	AUTO_FREE char *text = NULL;

	if (!EVP_Digest(blob.data, blob.len, hash, NULL, EVP_sha256(), NULL))
		return xstrdup("SHA256:unknown");
	text = ssh_base64_encode((struct ssh_bytes){ hash, sizeof(hash) });
	text[strcspn(text, "=")] = '\0';
	return xasprintf("SHA256:%s", text);
}
