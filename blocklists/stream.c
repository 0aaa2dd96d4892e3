/*
 * stream.c - see stream.h.  zlib and liblzma are named here only.
 */
#include "blocklists/stream.h"

#define ZLIB_CONST /* next_in points to what may not be written */

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "base/memory.h"

enum {
	MAGIC_MAX = 6, /* bytes that tell how a file is packed */
	PIECE_BYTES = 65536,
	GZIP_ONLY = 16 + MAX_WBITS, /* inflateInit2(): no zlib or raw data */
};

enum packing { UNKNOWN, PLAIN, GZIP, XZ };

struct stream {
	stream_bytes *on_bytes;
	void *arg;
	enum packing packing;
	char magic[MAGIC_MAX]; /* while packing is UNKNOWN */
	size_t magic_count;
	z_stream gzip;
	lzma_stream xz;
	bool complete; /* gzip: at the end of a member */
	size_t total;  /* bytes handed out */
	const char *fault;
	unsigned char piece[PIECE_BYTES];
};

struct stream *
stream_new(stream_bytes *on_bytes, void *arg)
{
	struct stream *stream = memory_new(1, sizeof(*stream));

	stream->on_bytes = on_bytes;
	stream->arg = arg;
	return stream;
}

void
stream_free(struct stream *stream)
{
	if (stream == NULL)
		return;
	if (stream->packing == GZIP)
		inflateEnd(&stream->gzip);
	if (stream->packing == XZ)
		lzma_end(&stream->xz);
	free(stream);
}

const char *
stream_fault(const struct stream *stream)
{
	return stream->fault;
}

static bool
fail(struct stream *stream, const char *fault)
{
	stream->fault = fault;
	return false;
}

static bool
hand_out(struct stream *stream, struct text bytes)
{
	if (bytes.n > STREAM_MAX_BYTES - stream->total)
		return fail(stream, "a list has at most 1 GiB");
	stream->total += bytes.n;
	if (bytes.n > 0)
		stream->on_bytes(stream->arg, bytes);
	return true;
}

/* What has been unpacked into piece, of which `rest` bytes are free. */
static bool
hand_out_piece(struct stream *stream, size_t rest)
{
	const void *piece = stream->piece;

	return hand_out(stream, (struct text){ piece, PIECE_BYTES - rest });
}

static void
begin_gzip(struct stream *stream)
{
	if (inflateInit2(&stream->gzip, GZIP_ONLY) != Z_OK)
		memory_exhausted();
}

/* A file may have several members, one after the other. */
static bool
unpack_gzip(struct stream *stream, struct text packed)
{
	z_stream *gzip = &stream->gzip;
	int result = Z_OK;

	gzip->next_in = (const Bytef *)packed.p;
	gzip->avail_in = (uInt)packed.n;
	do {
		if (stream->complete && gzip->avail_in > 0)
			stream->complete = inflateReset(gzip) != Z_OK;
		gzip->next_out = stream->piece;
		gzip->avail_out = PIECE_BYTES;
		result = inflate(gzip, Z_NO_FLUSH);
		if (result == Z_MEM_ERROR)
			memory_exhausted();
		stream->complete = result == Z_STREAM_END;
		if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
			return fail(stream, "its gzip data are damaged");
		if (!hand_out_piece(stream, gzip->avail_out))
			return false;
	} while (gzip->avail_in > 0 || gzip->avail_out == 0);
	return true;
}

static bool
end_gzip(struct stream *stream)
{
	return stream->complete || fail(stream, "its gzip data end early");
}

static void
begin_xz(struct stream *stream)
{
	stream->xz = (lzma_stream)LZMA_STREAM_INIT;
	if (lzma_stream_decoder(&stream->xz, STREAM_MAX_MEMORY,
		LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK) != LZMA_OK)
		memory_exhausted();
}

static bool
fail_xz(struct stream *stream, lzma_ret result)
{
	if (result == LZMA_MEM_ERROR)
		memory_exhausted();
	if (result == LZMA_MEMLIMIT_ERROR)
		return fail(
		    stream, "it takes more than 80 MiB to unpack: pack it with xz -9 or less");
	if (result == LZMA_BUF_ERROR)
		return fail(stream, "its xz data end early");
	return fail(stream, "its xz data are damaged");
}

static bool
unpack_xz(struct stream *stream, struct text packed, lzma_action action)
{
	lzma_stream *xz = &stream->xz;
	lzma_ret result;

	xz->next_in = (const uint8_t *)packed.p;
	xz->avail_in = packed.n;
	do {
		xz->next_out = stream->piece;
		xz->avail_out = PIECE_BYTES;
		result = lzma_code(xz, action);
		if (result != LZMA_OK && result != LZMA_STREAM_END &&
		    (result != LZMA_BUF_ERROR || action == LZMA_FINISH))
			return fail_xz(stream, result);
		if (!hand_out_piece(stream, xz->avail_out))
			return false;
	} while (
	    xz->avail_in > 0 || xz->avail_out == 0 || (action == LZMA_FINISH && result == LZMA_OK));
	return true;
}

static enum packing
packing_of(struct text magic)
{
	if (text_starts(magic, "\x1f\x8b"))
		return GZIP;
	if (magic.n == MAGIC_MAX && memcmp(magic.p,
					"\xfd"
					"7zXZ\0",
					MAGIC_MAX) == 0)
		return XZ;
	return PLAIN;
}

static bool
unpack(struct stream *stream, struct text packed)
{
	switch (stream->packing) {
	case UNKNOWN:
		break;
	case PLAIN:
		return hand_out(stream, packed);
	case GZIP:
		return unpack_gzip(stream, packed);
	case XZ:
		return unpack_xz(stream, packed, LZMA_RUN);
	}
	return true;
}

static bool
begin(struct stream *stream)
{
	struct text magic = { stream->magic, stream->magic_count };

	stream->packing = packing_of(magic);
	if (stream->packing == GZIP)
		begin_gzip(stream);
	if (stream->packing == XZ)
		begin_xz(stream);
	return unpack(stream, magic);
}

bool
stream_feed(struct stream *stream, struct text packed)
{
	if (stream->fault != NULL)
		return false;
	while (stream->packing == UNKNOWN && packed.n > 0) {
		stream->magic[stream->magic_count++] = packed.p[0];
		packed = text_skip(packed, 1);
		if (stream->magic_count == MAGIC_MAX && !begin(stream))
			return false;
	}
	return packed.n == 0 || unpack(stream, packed);
}

bool
stream_end(struct stream *stream)
{
	if (stream->fault != NULL)
		return false;
	if (stream->packing == UNKNOWN && !begin(stream))
		return false;
	if (stream->packing == GZIP)
		return end_gzip(stream);
	if (stream->packing == XZ)
		return unpack_xz(stream, text(""), LZMA_FINISH);
	return true;
}

struct file {
	const char *path;
	int fd;
	stream_bytes *on_read; /* NULL: nobody is told */
	void *arg;
};

/* Read to the end, or until there is a fault. */
static bool
feed_file(struct stream *stream, const struct file *file, struct report *report)
{
	char bytes[PIECE_BYTES];
	struct text piece;
	bool good = true;
	ssize_t got;

	do {
		got = read(file->fd, bytes, sizeof(bytes));
		if (got < 0 && errno != EINTR)
			return report_error(
			    report, file->path, 0, 0, "cannot be read: %s", strerror(errno));
		if (got <= 0)
			continue;
		piece = (struct text){ bytes, (size_t)got };
		if (file->on_read != NULL)
			file->on_read(file->arg, piece);
		good = stream_feed(stream, piece);
	} while (got != 0 && good);
	if (good && stream_end(stream))
		return true;
	return report_error(report, file->path, 0, 0, "%s", stream_fault(stream));
}

bool
stream_read_watched(const char *path, stream_bytes *on_bytes, stream_bytes *on_read, void *arg,
    struct report *report)
{
	const struct file file = { path, file_open(path, report), on_read, arg };
	struct stream *stream;
	bool good;

	if (file.fd < 0)
		return false;
	stream = stream_new(on_bytes, arg);
	good = feed_file(stream, &file, report);
	stream_free(stream);
	close(file.fd);
	return good;
}

bool
stream_read(const char *path, stream_bytes *on_bytes, void *arg, struct report *report)
{
	return stream_read_watched(path, on_bytes, NULL, arg, report);
}
