package io.firn.nifi.core;

import io.firn.nifi.core.NativeLoader.Contents;

import java.io.IOException;
import java.nio.ByteBuffer;

/** What the native core calls during one load, with the one direct buffer through which the bytes go. */
final class NativeContents {

    /** As the core has it: it asks for this much and gives no more. */
    private static final int PIECE_BYTES = 1 << 18;

    private final Contents contents;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(PIECE_BYTES);

    NativeContents(final Contents contents) {
        this.contents = contents;
    }

    ByteBuffer buffer() {
        return buffer;
    }

    void rewind(final int file) throws IOException {
        contents.rewind(file);
    }

    /** Fills the buffer from its start; the number of bytes, 0 at the end of the content. */
    int read(final int file) throws IOException {
        buffer.clear();
        contents.read(file, buffer);
        return buffer.position();
    }

    void rejected(final int file, final int length) throws IOException {
        contents.rejected(file, buffer.clear().limit(length));
    }

    boolean isCancelled() {
        FirnLibrary.forwardLog();
        return contents.isCancelled();
    }
}
