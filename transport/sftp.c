/* SPDX-License-Identifier: MIT */
/* sftp: whole files to and from another host, by SFTP version 3. */
#include "transport/sftp.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"
#include "transport/ssh_format.h"

enum sftp_packet {
	FXP_INIT = 1,
	FXP_VERSION = 2,
	FXP_OPEN = 3,
	FXP_CLOSE = 4,
	FXP_READ = 5,
	FXP_WRITE = 6,
	FXP_LSTAT = 7,
	FXP_REMOVE = 13,
	FXP_STATUS = 101,
	FXP_HANDLE = 102,
	FXP_DATA = 103,
	FXP_ATTRS = 105,
};

enum { FXF_READ = 1, FXF_WRITE = 2, FXF_CREAT = 8, FXF_EXCL = 32 };
enum { FX_OK = 0, FX_EOF = 1, FX_FAILURE = 4 };
enum { ATTR_PERMISSIONS = 4 };

enum {
	SFTP_VERSION = 3,
	WRITE_BYTES = 32 * 1024,
	WRITES_AHEAD = 16,
	READ_BYTES = 128 * 1024,
	PACKET_MAX = 256 * 1024 + 64,
};

struct sftp {
	struct stream *stream;
	uint32_t id;
	bool broken;
	struct buf out;
	struct buf in; /* the last answer, type first */
};

/* --- packets ------------------------------------------------------------- */

/* Takes a number off the answer; -1 when it is too short. */
static int take_u32(struct buf *b, uint32_t *v)
{
	struct ssh_bytes bytes = { (const unsigned char *)buf_data(b),
				   buf_len(b) };

	if (ssh_take_u32(&bytes, v) < 0)
		return -1;
	buf_consume(b, sizeof(*v));
	return 0;
}

static int broke(struct sftp *s)
{
	s->broken = true;
	return -1;
}

static int nonsense(struct sftp *s, const char *what, struct err *err)
{
	err_set(err, ERR_PROTOCOL, "the SFTP server spoke nonsense: %s", what);
	return broke(s);
}

/* Starts a request that carries @payload bytes behind type and id. */
static void request(struct sftp *s, enum sftp_packet type, size_t payload)
{
	ssh_put_u32(&s->out, (uint32_t)(payload + 5));
	ssh_put_u8(&s->out, (uint8_t)type);
	ssh_put_u32(&s->out, ++s->id);
}

static int send_out(struct sftp *s, struct mono deadline, struct err *err)
{
	int rc = stream_write(s->stream, buf_data(&s->out), buf_len(&s->out),
			      deadline, err);

	buf_consume(&s->out, buf_len(&s->out));
	return rc < 0 ? broke(s) : 0;
}

static int read_exactly(struct sftp *s, size_t len, struct mono deadline,
			struct err *err)
{
	while (len) {
		void *room = buf_reserve(&s->in, len);
		ssize_t n = stream_read(s->stream, room, len, deadline, err);

		if (n == 0)
			err_set(err, ERR_REMOTE, "the SFTP server left");
		if (n <= 0)
			return broke(s);
		buf_commit(&s->in, (size_t)n);
		len -= (size_t)n;
	}
	return 0;
}

/* The next packet into s->in; returns its type, or -1. */
static int receive(struct sftp *s, struct mono deadline, struct err *err)
{
	unsigned char type;
	uint32_t len;

	buf_consume(&s->in, buf_len(&s->in));
	if (read_exactly(s, 4, deadline, err) < 0 || take_u32(&s->in, &len))
		return -1;
	if (len < 1 || len > PACKET_MAX)
		return nonsense(s, "a packet of impossible length", err);
	if (read_exactly(s, len, deadline, err) < 0)
		return -1;
	type = (unsigned char)buf_data(&s->in)[0];
	buf_consume(&s->in, 1);
	return type;
}

/* The answer to request @id. */
static int answer(struct sftp *s, uint32_t id, struct mono deadline,
		  struct err *err)
{
	uint32_t got;
	int type = receive(s, deadline, err);

	if (type < 0)
		return -1;
	if (take_u32(&s->in, &got) < 0 || got != id)
		return nonsense(s, "an answer to no question", err);
	return type;
}

/* Sends what stands in s->out and waits for its answer. */
static int ask(struct sftp *s, struct mono deadline, struct err *err)
{
	if (send_out(s, deadline, err) < 0)
		return -1;
	return answer(s, s->id, deadline, err);
}

/* --- statuses ------------------------------------------------------------ */

static const char *status_name(uint32_t code)
{
	static const char *const names[] = {
		"OK",
		"end of file",
		"no such file",
		"permission denied",
		"failure",
		"bad message",
		"no connection",
		"connection lost",
		"operation unsupported",
	};

	return code < ARRAY_SIZE(names) ? names[code] : "unknown status";
}

/* Reads the status in s->in: its code, or -1; ERR_REMOTE for all but OK. */
static long status(struct sftp *s, int type, struct err *err)
{
	AUTO_FREE char *words = NULL;
	uint32_t code, len;

	if (type != FXP_STATUS)
		return nonsense(s, "a status was due", err);
	if (take_u32(&s->in, &code) < 0)
		return nonsense(s, "a short status", err);
	if (take_u32(&s->in, &len) == 0 && len && len <= buf_len(&s->in))
		words = xstrndup(buf_data(&s->in), len);
	if (code != FX_OK)
		err_set(err, ERR_REMOTE, "%s",
			words ? words : status_name(code));
	return code;
}

static int simple(struct sftp *s, struct mono deadline, struct err *err)
{
	int type = ask(s, deadline, err);

	return type < 0 || status(s, type, err) != FX_OK ? -1 : 0;
}

/* --- requests ------------------------------------------------------------ */

static void request_path(struct sftp *s, enum sftp_packet type,
			 const char *path)
{
	request(s, type, 4 + strlen(path));
	ssh_put_string(&s->out, path, strlen(path));
}

static bool path_exists(struct sftp *s, const char *path, struct mono deadline)
{
	request_path(s, FXP_LSTAT, path);
	return ask(s, deadline, NULL) == FXP_ATTRS;
}

/* Opens @path; its handle goes to @handle. */
static int open_file(struct sftp *s, const char *path, uint32_t flags,
		     mode_t mode, struct buf *handle, struct mono deadline,
		     struct err *err)
{
	long code;
	uint32_t len;
	int type;

	request(s, FXP_OPEN, 4 + strlen(path) + 12);
	ssh_put_string(&s->out, path, strlen(path));
	ssh_put_u32(&s->out, flags);
	ssh_put_u32(&s->out, ATTR_PERMISSIONS);
	ssh_put_u32(&s->out, mode);
	type = ask(s, deadline, err);
	if (type < 0)
		return -1;
	if (type == FXP_HANDLE) {
		if (take_u32(&s->in, &len) < 0 || len != buf_len(&s->in))
			return nonsense(s, "a bad handle", err);
		buf_append(handle, buf_data(&s->in), len);
		return 0;
	}
	code = status(s, type, err);
	if (code == FX_OK)
		return nonsense(s, "an opened file without a handle", err);
	/* version 3 has no status for it */
	if (code == FX_FAILURE && (flags & FXF_EXCL) &&
	    path_exists(s, path, deadline))
		err_set(err, ERR_REMOTE, "it exists already");
	return -1;
}

static int close_file(struct sftp *s, struct buf *handle, struct mono deadline,
		      struct err *err)
{
	request(s, FXP_CLOSE, 4 + buf_len(handle));
	ssh_put_string(&s->out, buf_data(handle), buf_len(handle));
	return simple(s, deadline, err);
}

static void request_write(struct sftp *s, struct buf *handle, uint64_t offset,
			  const void *data, size_t len)
{
	request(s, FXP_WRITE, 4 + buf_len(handle) + 8 + 4 + len);
	ssh_put_string(&s->out, buf_data(handle), buf_len(handle));
	ssh_put_u64(&s->out, offset);
	ssh_put_string(&s->out, data, len);
}

/* Answers come in order; each is looked at, the first failure is kept. */
static int collect_writes(struct sftp *s, uint32_t first, uint32_t end,
			  struct mono deadline, struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	int rc = 0;

	for (uint32_t id = first; id != end; id++) {
		int type = answer(s, id, deadline, &e);

		if (type < 0 || status(s, type, &e) != FX_OK) {
			if (rc == 0)
				err_move(err, &e);
			rc = -1;
		}
		if (s->broken)
			return -1;
	}
	return rc;
}

static int write_all(struct sftp *s, struct buf *handle, const char *data,
		     size_t len, struct mono deadline, struct err *err)
{
	uint64_t offset = 0;

	while (len) {
		uint32_t first = s->id + 1;

		for (int i = 0; i < WRITES_AHEAD && len; i++) {
			size_t n = len < WRITE_BYTES ? len : WRITE_BYTES;

			request_write(s, handle, offset, data, n);
			if (send_out(s, deadline, err) < 0)
				return -1;
			offset += n;
			data += n;
			len -= n;
		}
		if (collect_writes(s, first, s->id + 1, deadline, err) < 0)
			return -1;
	}
	return 0;
}

int sftp_put(struct sftp *s, const char *path, mode_t mode, const void *data,
	     size_t len, bool *created, struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf handle = { .base = NULL };
	int rc;

	*created = false;
	if (open_file(s, path, FXF_WRITE | FXF_CREAT | FXF_EXCL, mode, &handle,
		      deadline, err) < 0)
		return err_wrap(err, ERR_NONE, "cannot create %s", path);
	*created = true;
	rc = write_all(s, &handle, data, len, deadline, err);
	if (!s->broken && close_file(s, &handle, deadline, rc ? NULL : err) < 0)
		rc = -1;
	if (rc < 0)
		err_wrap(err, ERR_NONE, "cannot write %s", path);
	return rc;
}

/* One answer's worth; returns its length, 0 at the end, -1. */
static long read_some(struct sftp *s, struct buf *handle, uint64_t offset,
		      struct mono deadline, struct err *err)
{
	uint32_t len;
	int type;

	request(s, FXP_READ, 4 + buf_len(handle) + 12);
	ssh_put_string(&s->out, buf_data(handle), buf_len(handle));
	ssh_put_u64(&s->out, offset);
	ssh_put_u32(&s->out, READ_BYTES);
	type = ask(s, deadline, err);
	if (type < 0)
		return -1;
	if (type != FXP_DATA)
		return status(s, type, err) == FX_EOF ? 0 : -1;
	if (take_u32(&s->in, &len) < 0 || len != buf_len(&s->in) || !len)
		return nonsense(s, "bad data", err);
	return len;
}

static int read_all(struct sftp *s, struct buf *handle, struct buf *out,
		    size_t max, struct mono deadline, struct err *err)
{
	uint64_t offset = 0;
	long n;

	while ((n = read_some(s, handle, offset, deadline, err)) > 0) {
		offset += (uint64_t)n;
		if (offset > max)
			return err_set(err, ERR_REMOTE,
				       "it is longer than %zu bytes", max);
		buf_append(out, buf_data(&s->in), (size_t)n);
	}
	return n < 0 ? -1 : 0;
}

int sftp_get(struct sftp *s, const char *path, struct buf *out, size_t max,
	     struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf handle = { .base = NULL };
	AUTO_ERR struct err e = { 0 };
	int rc;

	if (open_file(s, path, FXF_READ, 0, &handle, deadline, err) < 0)
		return err_wrap(err, ERR_NONE, "cannot open %s", path);
	rc = read_all(s, &handle, out, max, deadline, &e);
	if (rc < 0) {
		err_move(err, &e);
		err_wrap(err, ERR_NONE, "cannot read %s", path);
	}
	if (!s->broken)
		(void)close_file(s, &handle, deadline, NULL);
	return rc;
}

int sftp_remove(struct sftp *s, const char *path, struct mono deadline,
		struct err *err)
{
	request_path(s, FXP_REMOVE, path);
	if (simple(s, deadline, err) < 0)
		return err_wrap(err, ERR_NONE, "cannot remove %s", path);
	return 0;
}

/* --- the session --------------------------------------------------------- */

static int shake_hands(struct sftp *s, struct mono deadline, struct err *err)
{
	static const unsigned char init[] = { 0, 0, 0, 5,	    FXP_INIT,
					      0, 0, 0, SFTP_VERSION };
	uint32_t version;
	int type;

	buf_append(&s->out, init, sizeof(init));
	if (send_out(s, deadline, err) < 0)
		return -1;
	type = receive(s, deadline, err);
	if (type < 0)
		return -1;
	if (type != FXP_VERSION || take_u32(&s->in, &version) < 0)
		return nonsense(s, "no version", err);
	if (version < SFTP_VERSION)
		return err_set(err, ERR_REMOTE, "it speaks SFTP %u only",
			       version);
	return 0;
}

struct sftp *sftp_new(struct stream *stream, struct mono deadline,
		      struct err *err)
{
	struct sftp *s = XNEW(struct sftp);

	s->stream = stream;
	if (shake_hands(s, deadline, err) == 0)
		return s;
	err_wrap(err, ERR_NONE, "no file transfer by SFTP");
	sftp_free(s);
	return NULL;
}

void sftp_free(struct sftp *s)
{
	if (!s)
		return;
	stream_close(s->stream);
	buf_free(&s->out);
	buf_free(&s->in);
	free(s);
}

bool sftp_broken(const struct sftp *s)
{
	return s->broken;
}
