package io.firn.nifi.core;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Map;

/**
 * A stream of customer changes in the native core, read file by file. Owns one direct buffer that the core fills and nobody else sees.
 * For one thread at a time.
 */
public final class NativeGenerator implements AutoCloseable {

    /** Buffers of 32 KiB to 1 MiB are alike fast; a large one crosses seldom. */
    private static final int BUFFER_BYTES = 1 << 20;

    private static final ObjectMapper JSON = JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

    private final long handle;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    private final byte[] bytes = new byte[BUFFER_BYTES];

    private NativeGenerator(final long handle) {
        this.handle = handle;
    }

    /** Where a stream stands between two files: all that has to be remembered. */
    public record Position(@JsonProperty("next_sequence") long nextSequence, @JsonProperty("delivered_below") long deliveredBelow) {

        /** Before the first event. */
        public static final Position START = new Position(0, 0);
    }

    /** What a file holds, and where the stream stands after it. */
    public record FileReport(
            @JsonProperty("first_sequence") long firstSequence,
            @JsonProperty("rows") long rows,
            @JsonProperty("inserts") long inserts,
            @JsonProperty("updates") long updates,
            @JsonProperty("deletes") long deletes,
            @JsonProperty("duplicates") long duplicates,
            @JsonProperty("late") long late,
            @JsonProperty("broken") long broken,
            @JsonProperty("position") Position position) {
    }

    /**
     * Opens the stream that {@code options} describe.
     *
     * @param options the core's generator options by name
     * @param from where to go on
     * @param endSequence the stream's length in events, or null if it has no end
     * @throws CoreException if the options make no sense
     */
    public static NativeGenerator open(final Map<String, Object> options, final Position from, final Long endSequence) {
        FirnLibrary.load();
        try {
            return new NativeGenerator(open(json(options), json(from), endSequence == null ? -1 : endSequence));
        } finally {
            FirnLibrary.forwardLog();
        }
    }

    /**
     * Checks options without opening a stream.
     *
     * @throws CoreException if they make no sense, with a sentence that says why
     */
    public static void check(final Map<String, Object> options) {
        FirnLibrary.load();
        check(json(options));
    }

    /** Begins the next file; false when the stream has ended. */
    public boolean nextFile() {
        return next(handle);
    }

    /** Writes the whole of the file that {@link #nextFile()} began. */
    public void writeTo(final OutputStream out) throws IOException {
        for (int filled = read(handle, buffer, 0, BUFFER_BYTES); filled > 0; filled = read(handle, buffer, 0, BUFFER_BYTES)) {
            // An OutputStream takes arrays only: one copy, at memory speed.
            buffer.get(0, bytes, 0, filled);
            out.write(bytes, 0, filled);
        }
    }

    /** What the file just written holds. */
    public FileReport report() {
        try {
            return JSON.readValue(report(handle), FileReport.class);
        } catch (final JsonProcessingException e) {
            throw new IllegalStateException("the core's report is no JSON", e);
        }
    }

    @Override
    public void close() {
        try {
            close(handle);
        } finally {
            FirnLibrary.forwardLog();
        }
    }

    private static String json(final Object document) {
        try {
            return JSON.writeValueAsString(document);
        } catch (final JsonProcessingException e) {
            throw new IllegalArgumentException("no JSON can be made of the options", e);
        }
    }

    static native void check(String options);

    static native long open(String options, String position, long endSequence);

    static native boolean next(long handle);

    /** Fills {@code buffer} from {@code start} to {@code end}; returns the bytes filled, 0 at the end of the file. */
    static native int read(long handle, ByteBuffer buffer, int start, int end);

    static native String report(long handle);

    static native void close(long handle);
}
