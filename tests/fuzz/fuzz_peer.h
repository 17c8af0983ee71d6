/* SPDX-License-Identifier: MIT */
/*
 * fuzz_peer: a stream whose other end says what the input says.
 *
 * Nothing waits for a clock: where the peer has nothing more to say, the
 * stream ends. For QMP, whose answers repeat an id that nobody can guess, two
 * bytes that no JSON text has are directions: FUZZ_PEER_ID is replaced by the
 * id of the last command, FUZZ_PEER_WAIT lets a command be written first.
 */
#ifndef TESTS_FUZZ_FUZZ_PEER_H
#define TESTS_FUZZ_FUZZ_PEER_H

#include <stdbool.h>

#include "tests/fuzz/fuzz_input.h"
#include "transport/stream.h"

enum { FUZZ_PEER_ID = 1, FUZZ_PEER_WAIT = 2 };

/*
 * Says @in, which must outlive the stream, in pieces by @seed. @directed: with
 * the two directions above.
 */
struct stream *fuzz_peer_new(struct fuzz_input in, uint32_t seed,
			     bool directed);

#endif
