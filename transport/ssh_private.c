/* SPDX-License-Identifier: MIT */
/* ssh_private: a private key in memory, which signs. */
#include "transport/ssh_private.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"
#include "transport/bcrypt_kdf.h"
#include "transport/ssh_key.h"

enum { ED25519_BYTES = 32, SIGNATURE_MAX = 2048, POINT_MAX = 256 };

struct ssh_private {
	EVP_PKEY *key;
	char *type; /* "ssh-ed25519", … */
	struct buf blob;
};

/* What SSH and OpenSSL call the curves. */
static const struct curve {
	const char *type, *name, *group;
	const char *digest;
} curves[] = {
	{ "ecdsa-sha2-nistp256", "nistp256", "prime256v1", "SHA256" },
	{ "ecdsa-sha2-nistp384", "nistp384", "secp384r1", "SHA384" },
	{ "ecdsa-sha2-nistp521", "nistp521", "secp521r1", "SHA512" },
};

static const struct curve *curve_of_type(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
		if (!strcmp(type, curves[i].type))
			return &curves[i];
	}
	return NULL;
}

static const struct curve *curve_of_group(const char *group)
{
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
		if (!strcmp(group, curves[i].group))
			return &curves[i];
	}
	return NULL;
}

/* --- numbers -------------------------------------------------------------- */

/* RFC 4251's mpint: no leading zeros but one before a high bit. */
static void put_mpint(struct buf *b, const BIGNUM *n)
{
	unsigned char bytes[SIGNATURE_MAX + 1] = { 0 };
	size_t len = (size_t)BN_num_bytes(n);
	size_t high = len && BN_is_bit_set(n, 8 * (int)len - 1);

	if (len <= SIGNATURE_MAX)
		BN_bn2bin(n, bytes + 1);
	else
		len = high = 0;
	ssh_put_string(b, bytes + !high, len + high);
	explicit_bzero(bytes, sizeof(bytes));
}

static BIGNUM *take_mpint(struct ssh_bytes *from)
{
	struct ssh_bytes s;

	if (ssh_take_string(from, &s) < 0 || s.len > SIGNATURE_MAX)
		return NULL;
	return BN_bin2bn(s.data, (int)s.len, NULL);
}

/* --- from the parts of a key to OpenSSL's --------------------------------- */

static EVP_PKEY *from_params(const char *kind, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	EVP_PKEY *key = NULL;

	if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

/* public, private and public once more */
static EVP_PKEY *take_ed25519(struct ssh_bytes *from)
{
	struct ssh_bytes public, both;

	if (ssh_take_string(from, &public) < 0 ||
	    ssh_take_string(from, &both) < 0 || both.len != 2 * ED25519_BYTES)
		return NULL;
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, both.data,
					    ED25519_BYTES);
}

static EVP_PKEY *take_ecdsa(struct ssh_bytes *from, const struct curve *curve)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	struct ssh_bytes name, point;
	BIGNUM *secret = NULL;
	EVP_PKEY *key = NULL;

	if (ssh_take_string(from, &name) == 0 &&
	    ssh_bytes_are(name, curve->name) &&
	    ssh_take_string(from, &point) == 0 && point.len <= POINT_MAX &&
	    (secret = take_mpint(from)) &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
					    curve->group, 0) &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
					     point.data, point.len) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret))
		key = from_params("EC", build);
	BN_clear_free(secret);
	OSSL_PARAM_BLD_free(build);
	return key;
}

/* In the file's order; iqmp, p and q only make it faster. */
static EVP_PKEY *take_rsa(struct ssh_bytes *from)
{
	static const char *const names[] = {
		OSSL_PKEY_PARAM_RSA_N,
		OSSL_PKEY_PARAM_RSA_E,
		OSSL_PKEY_PARAM_RSA_D,
	};
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n[ARRAY_SIZE(names)] = { NULL };
	EVP_PKEY *key = NULL;
	bool whole = true;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		n[i] = take_mpint(from);
		whole = whole && n[i] &&
			OSSL_PARAM_BLD_push_BN(build, names[i], n[i]);
	}
	if (whole)
		key = from_params("RSA", build);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		BN_clear_free(n[i]);
	OSSL_PARAM_BLD_free(build);
	return key;
}

static EVP_PKEY *take_key(struct ssh_bytes *from)
{
	struct ssh_bytes type;
	AUTO_FREE char *name = NULL;
	const struct curve *curve;

	if (ssh_take_string(from, &type) < 0)
		return NULL;
	name = xstrndup((const char *)type.data, type.len);
	curve = curve_of_type(name);
	if (curve)
		return take_ecdsa(from, curve);
	if (!strcmp(name, "ssh-ed25519"))
		return take_ed25519(from);
	return strcmp(name, "ssh-rsa") ? NULL : take_rsa(from);
}

/* --- OpenSSH's own format (its PROTOCOL.key) ------------------------------ */

static const struct cipher {
	const char *name, *evp;
	size_t key_len, iv_len;
} ciphers[] = {
	{ "aes256-ctr", "AES-256-CTR", 32, 16 },
	{ "aes192-ctr", "AES-192-CTR", 24, 16 },
	{ "aes128-ctr", "AES-128-CTR", 16, 16 },
	{ "aes256-cbc", "AES-256-CBC", 32, 16 },
	{ "aes128-cbc", "AES-128-CBC", 16, 16 },
};

static int decrypt(const struct cipher *cipher, const unsigned char *key,
		   struct ssh_bytes from, unsigned char *to)
{
	EVP_CIPHER *evp = EVP_CIPHER_fetch(NULL, cipher->evp, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0;
	int ok = evp && ctx &&
		 EVP_DecryptInit_ex2(ctx, evp, key, key + cipher->key_len,
				     NULL) == 1 &&
		 EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
		 EVP_DecryptUpdate(ctx, to, &len, from.data, (int)from.len) ==
			 1;

	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(evp);
	return ok ? 0 : -1;
}

static const struct cipher *find_cipher(struct ssh_bytes name)
{
	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++) {
		if (ssh_bytes_are(name, ciphers[i].name))
			return &ciphers[i];
	}
	return NULL;
}

/* Appends what @sealed holds; @options are the salt and the rounds. */
static enum ssh_private_fault unseal(struct buf *out, struct ssh_bytes sealed,
				     struct ssh_bytes name,
				     struct ssh_bytes options,
				     const char *passphrase)
{
	const struct cipher *cipher = find_cipher(name);
	unsigned char key[64];
	struct ssh_bytes salt;
	uint32_t rounds;
	int rc;

	if (ssh_bytes_are(name, "none")) {
		buf_append(out, sealed.data, sealed.len);
		return SSH_PRIVATE_READ;
	}
	if (!cipher || ssh_take_string(&options, &salt) < 0 ||
	    ssh_take_u32(&options, &rounds) < 0)
		return SSH_PRIVATE_UNKNOWN;
	if (!passphrase || !*passphrase)
		return SSH_PRIVATE_LOCKED;
	if (bcrypt_kdf(passphrase, salt.data, salt.len, rounds, key,
		       cipher->key_len + cipher->iv_len) < 0)
		return SSH_PRIVATE_UNKNOWN;
	rc = decrypt(cipher, key, sealed, buf_reserve(out, sealed.len + 32));
	explicit_bzero(key, sizeof(key));
	if (rc < 0)
		return SSH_PRIVATE_UNKNOWN;
	buf_commit(out, sealed.len);
	return SSH_PRIVATE_READ;
}

/* Two equal numbers show that the passphrase was right. */
static EVP_PKEY *open_sealed(struct buf *plain, enum ssh_private_fault *fault)
{
	struct ssh_bytes b = { (const unsigned char *)buf_data(plain),
			       buf_len(plain) };
	uint32_t one, two;
	EVP_PKEY *key;

	*fault = SSH_PRIVATE_UNKNOWN;
	if (ssh_take_u32(&b, &one) < 0 || ssh_take_u32(&b, &two) < 0)
		return NULL;
	if (one != two) {
		*fault = SSH_PRIVATE_LOCKED;
		return NULL;
	}
	key = take_key(&b);
	if (key)
		*fault = SSH_PRIVATE_READ;
	return key;
}

static EVP_PKEY *parse_openssh(const char *text, const char *passphrase,
			       enum ssh_private_fault *fault)
{
	struct buf raw = { .base = NULL }, plain = { .base = NULL };
	struct ssh_bytes cipher, kdf, options, skipped, sealed, b;
	EVP_PKEY *key = NULL;
	uint32_t n;

	*fault = SSH_PRIVATE_UNKNOWN;
	if (ssh_key_unarmour(&raw, text, &b) == 0 &&
	    ssh_take_string(&b, &cipher) == 0 &&
	    ssh_take_string(&b, &kdf) == 0 &&
	    ssh_take_string(&b, &options) == 0 && ssh_take_u32(&b, &n) == 0 &&
	    n == 1 && ssh_take_string(&b, &skipped) == 0 &&
	    ssh_take_string(&b, &sealed) == 0)
		*fault = unseal(&plain, sealed, cipher, options, passphrase);
	if (*fault == SSH_PRIVATE_READ)
		key = open_sealed(&plain, fault);
	buf_wipe(&raw);
	buf_wipe(&plain);
	return key;
}

/* --- PEM ------------------------------------------------------------------ */

struct passphrase {
	const char *text;
	bool asked;
};

static int on_passphrase(char *to, int size, int writing, void *arg)
{
	struct passphrase *p = arg;
	size_t len = p->text ? strlen(p->text) : 0;

	(void)writing;
	p->asked = true;
	if (!len || len > (size_t)size)
		return -1;
	memcpy(to, p->text, len);
	return (int)len;
}

static EVP_PKEY *parse_pem(const char *text, const char *passphrase,
			   enum ssh_private_fault *fault)
{
	struct passphrase p = { .text = passphrase };
	BIO *bio = BIO_new_mem_buf(text, -1);
	EVP_PKEY *key =
		bio ? PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &p)
		    : NULL;

	BIO_free(bio);
	ERR_clear_error();
	*fault = key	   ? SSH_PRIVATE_READ
		 : p.asked ? SSH_PRIVATE_LOCKED
			   : SSH_PRIVATE_UNKNOWN;
	return key;
}

/* --- the public half ------------------------------------------------------ */

static void put_name(struct buf *b, const char *name)
{
	ssh_put_string(b, name, strlen(name));
}

static int describe_ed25519(struct ssh_private *k)
{
	unsigned char public[ED25519_BYTES];
	size_t len = sizeof(public);

	if (EVP_PKEY_get_raw_public_key(k->key, public, &len) != 1)
		return -1;
	k->type = xstrdup("ssh-ed25519");
	put_name(&k->blob, k->type);
	ssh_put_string(&k->blob, public, len);
	return 0;
}

static int describe_ecdsa(struct ssh_private *k)
{
	unsigned char point[POINT_MAX];
	const struct curve *curve;
	char group[64];
	size_t len;

	if (EVP_PKEY_get_utf8_string_param(k->key, OSSL_PKEY_PARAM_GROUP_NAME,
					   group, sizeof(group), NULL) != 1 ||
	    EVP_PKEY_get_octet_string_param(k->key, OSSL_PKEY_PARAM_PUB_KEY,
					    point, sizeof(point), &len) != 1)
		return -1;
	curve = curve_of_group(group);
	/* uncompressed, as SSH has it */
	if (!curve || !len || point[0] != POINT_CONVERSION_UNCOMPRESSED)
		return -1;
	k->type = xstrdup(curve->type);
	put_name(&k->blob, k->type);
	put_name(&k->blob, curve->name);
	ssh_put_string(&k->blob, point, len);
	return 0;
}

static int describe_rsa(struct ssh_private *k)
{
	BIGNUM *e = NULL, *n = NULL;
	int ok = EVP_PKEY_get_bn_param(k->key, OSSL_PKEY_PARAM_RSA_E, &e) ==
			 1 &&
		 EVP_PKEY_get_bn_param(k->key, OSSL_PKEY_PARAM_RSA_N, &n) == 1;

	if (ok) {
		k->type = xstrdup("ssh-rsa");
		put_name(&k->blob, k->type);
		put_mpint(&k->blob, e);
		put_mpint(&k->blob, n);
	}
	BN_free(e);
	BN_free(n);
	return ok ? 0 : -1;
}

static int describe(struct ssh_private *k)
{
	switch (EVP_PKEY_get_base_id(k->key)) {
	case EVP_PKEY_ED25519:
		return describe_ed25519(k);
	case EVP_PKEY_EC:
		return describe_ecdsa(k);
	case EVP_PKEY_RSA:
		return describe_rsa(k);
	default:
		return -1;
	}
}

/* --- the whole ------------------------------------------------------------ */

struct ssh_private *ssh_private_parse(const char *text, const char *passphrase,
				      enum ssh_private_fault *fault)
{
	struct ssh_private *k;
	EVP_PKEY *key = strstr(text, "-----BEGIN OPENSSH PRIVATE KEY-----")
				? parse_openssh(text, passphrase, fault)
				: parse_pem(text, passphrase, fault);

	if (!key)
		return NULL;
	k = XNEW(struct ssh_private);
	k->key = key;
	if (describe(k) == 0)
		return k;
	*fault = SSH_PRIVATE_UNKNOWN;
	ssh_private_free(k);
	return NULL;
}

void ssh_private_free(struct ssh_private *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->key);
	buf_free(&k->blob);
	free(k->type);
	free(k);
}

struct ssh_bytes ssh_private_blob(struct ssh_private *k)
{
	return (struct ssh_bytes){ (const unsigned char *)buf_data(&k->blob),
				   buf_len(&k->blob) };
}

/* --- signatures ----------------------------------------------------------- */

/* NULL: none of its own (ed25519). -1: the key cannot sign by @algorithm. */
static int find_digest(const struct ssh_private *k, const char *algorithm,
		       const char **digest)
{
	const struct curve *curve = curve_of_type(algorithm);
	bool rsa = !strcmp(k->type, "ssh-rsa");

	*digest = curve ? curve->digest : NULL;
	if (rsa && !strcmp(algorithm, "rsa-sha2-512"))
		*digest = "SHA512";
	else if (rsa && !strcmp(algorithm, "rsa-sha2-256"))
		*digest = "SHA256";
	else if (rsa || strcmp(algorithm, k->type) != 0)
		return -1;
	return 0;
}

/* From DER to two numbers. */
static int put_ecdsa(struct buf *out, const unsigned char *der, size_t len)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);

	if (!sig)
		return -1;
	put_mpint(out, ECDSA_SIG_get0_r(sig));
	put_mpint(out, ECDSA_SIG_get0_s(sig));
	ECDSA_SIG_free(sig);
	return 0;
}

int ssh_private_sign(struct ssh_private *k, const char *algorithm,
		     struct ssh_bytes data, struct buf *signature)
{
	unsigned char bytes[SIGNATURE_MAX];
	size_t len = sizeof(bytes);
	const char *digest;
	EVP_MD_CTX *ctx;
	int ok;

	if (find_digest(k, algorithm, &digest) < 0)
		return -1;
	ctx = EVP_MD_CTX_new();
	ok = ctx &&
	     EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, k->key,
				   NULL) == 1 &&
	     EVP_DigestSign(ctx, bytes, &len, data.data, data.len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	if (!ok)
		return -1;
	if (EVP_PKEY_get_base_id(k->key) == EVP_PKEY_EC)
		return put_ecdsa(signature, bytes, len);
	buf_append(signature, bytes, len);
	return 0;
}
