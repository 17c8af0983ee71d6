/* SPDX-License-Identifier: MIT */
/* ssh_key: what a private key file can be used for. */
#include "transport/ssh_key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/base/xalloc.h"
#include "transport/ssh_file.h"

#define OPENSSH_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define OPENSSH_MAGIC "openssh-key-v1"

static struct ssh_bytes bytes_of(struct buf *b)
{
	return (struct ssh_bytes){ (const unsigned char *)buf_data(b),
				   buf_len(b) };
}

struct ssh_bytes ssh_key_blob(struct ssh_key *k)
{
	return bytes_of(&k->blob);
}

void ssh_key_free(struct ssh_key *k)
{
	free(k->path);
	free(k->type);
	buf_free(&k->blob);
	*k = (struct ssh_key){ .path = NULL };
}

static void set_public(struct ssh_key *k, struct ssh_bytes blob)
{
	char *type = ssh_blob_type(blob);

	if (!type)
		return;
	free(k->type);
	k->type = type;
	buf_free(&k->blob);
	buf_append(&k->blob, blob.data, blob.len);
}

/* --- OpenSSH's own format (its PROTOCOL.key) ----------------------------- */

/* The base64 between the dashes, without line ends; -1 when damaged. */
static int decode_armour(struct buf *out, const char *text)
{
	AUTO_BUF struct buf base64 = { .base = NULL };
	const char *end = strstr(text, "-----END");
	int rc;

	for (; end && text < end; text++) {
		if (*text != '\n' && *text != '\r')
			buf_append(&base64, text, 1);
	}
	rc = ssh_base64_decode(out, buf_data(&base64), buf_len(&base64));
	explicit_bzero(buf_data(&base64), buf_len(&base64));
	return rc;
}

int ssh_key_unarmour(struct buf *out, const char *text, struct ssh_bytes *body)
{
	const char *begin = strstr(text, OPENSSH_BEGIN);

	if (!begin || decode_armour(out, begin + strlen(OPENSSH_BEGIN)) < 0 ||
	    buf_len(out) <= sizeof(OPENSSH_MAGIC) ||
	    memcmp(buf_data(out), OPENSSH_MAGIC, sizeof(OPENSSH_MAGIC)) != 0)
		return -1;
	*body = bytes_of(out);
	body->data += sizeof(OPENSSH_MAGIC);
	body->len -= sizeof(OPENSSH_MAGIC);
	return 0;
}

static void parse_openssh(struct ssh_key *k, const char *text)
{
	struct buf raw = { .base = NULL };
	struct ssh_bytes b, cipher, skipped, blob;
	uint32_t n;

	if (ssh_key_unarmour(&raw, text, &b) == 0 &&
	    ssh_take_string(&b, &cipher) == 0 &&
	    ssh_take_string(&b, &skipped) == 0 &&
	    ssh_take_string(&b, &skipped) == 0 && ssh_take_u32(&b, &n) == 0 &&
	    ssh_take_string(&b, &blob) == 0) {
		k->encrypted = !ssh_bytes_are(cipher, "none");
		set_public(k, blob);
	}
	buf_wipe(&raw);
}

/* --- PEM: the label says the type, a header or the label says encrypted -- */

static void parse_pem(struct ssh_key *k, const char *text)
{
	static const struct {
		const char *begin, *type;
	} labels[] = {
		{ "-----BEGIN RSA PRIVATE KEY-----", "ssh-rsa" },
		{ "-----BEGIN DSA PRIVATE KEY-----", "ssh-dss" },
	};

	k->encrypted = strstr(text, "-----BEGIN ENCRYPTED PRIVATE KEY-----") ||
		       strstr(text, "Proc-Type: 4,ENCRYPTED");
	for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
		if (strstr(text, labels[i].begin)) {
			free(k->type);
			k->type = xstrdup(labels[i].type);
		}
	}
}

void ssh_key_parse(struct ssh_key *k, const char *text)
{
	if (strstr(text, OPENSSH_BEGIN))
		parse_openssh(k, text);
	else
		parse_pem(k, text);
}

/* --- files --------------------------------------------------------------- */

/* "type base64 comment". */
static void read_public(struct ssh_key *k, const char *path)
{
	AUTO_FREE char *name = xasprintf("%s.pub", path);
	AUTO_BUF struct buf text = { .base = NULL }, blob = { .base = NULL };
	const char *base64;

	if (ssh_file_read(name, &text) < 0)
		return;
	base64 = strchr(buf_data(&text), ' ');
	if (!base64)
		return;
	base64++;
	if (ssh_base64_decode(&blob, base64, strcspn(base64, " \r\n")) == 0)
		set_public(k, bytes_of(&blob));
}

int ssh_key_read(struct ssh_key *k, const char *path)
{
	AUTO_FREE char *certificate = xasprintf("%s-cert.pub", path);
	struct buf text = { .base = NULL };
	int rc, errnum;

	*k = (struct ssh_key){ .path = xstrdup(path) };
	rc = ssh_file_read(path, &text);
	errnum = errno;
	if (rc == 0)
		ssh_key_parse(k, buf_data(&text));
	buf_wipe(&text);
	/* also without the private half: an agent may hold it */
	if (!buf_len(&k->blob))
		read_public(k, path);
	k->certificate = access(certificate, R_OK) == 0;
	errno = errnum;
	return rc;
}

/* --- what libssh2 can do ------------------------------------------------- */

const char *ssh_key_unusable(const char *type, bool rsa_sha2)
{
	if (!type)
		return NULL;
	if (!strncmp(type, "sk-", 3))
		return "a security key (FIDO), which libssh2 cannot use";
	if (strstr(type, "-cert-"))
		return "a certificate, which libssh2 cannot use";
	if (!strcmp(type, "ssh-dss"))
		return "a DSA key, which nobody accepts any more";
	if (!strcmp(type, "ssh-rsa") && !rsa_sha2)
		return "an RSA key, which this libssh2 can use with SHA-1 "
		       "only, and servers refuse that";
	if (strcmp(type, "ssh-rsa") && strcmp(type, "ssh-ed25519") &&
	    strncmp(type, "ecdsa-sha2-", 11))
		return "of a type that libssh2 does not know";
	return NULL;
}
