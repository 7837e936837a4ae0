package io.firn.nifi.core;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Map;

/**
 * A stream of customer changes in the native core, read file by file. Owns one direct buffer, which only the core fills.
 * For one thread at a time.
 */
public final class NativeGenerator implements AutoCloseable {

    /** Buffers of 32 KiB to 1 MiB are equally fast; a large one needs fewer calls. */
    private static final int BUFFER_BYTES = 1 << 20;

    private static final ObjectMapper JSON = JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

    private final long handle;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    private final byte[] bytes = new byte[BUFFER_BYTES];

    private NativeGenerator(final long handle) {
        this.handle = handle;
    }

    /** The position of a stream between two files: everything needed to resume it. */
    public record Position(@JsonProperty("next_sequence") long nextSequence, @JsonProperty("delivered_below") long deliveredBelow) {

        /** Before the first event. */
        public static final Position START = new Position(0, 0);
    }

    /** Counts of a file, and the position of the stream after it. */
    public record FileReport(
            @JsonProperty("first_sequence") long firstSequence,
            @JsonProperty("rows") long rows,
            @JsonProperty("inserts") long inserts,
            @JsonProperty("updates") long updates,
            @JsonProperty("deletes") long deletes,
            @JsonProperty("duplicates") long duplicates,
            @JsonProperty("late") long late,
            @JsonProperty("malformed") long malformed,
            @JsonProperty("position") Position position) {
    }

    /**
     * Opens the stream that {@code options} describe.
     *
     * @param options the core's generator options by name, as values or as text
     * @param from where to resume
     * @param endSequence the stream's length in events, or null if it has no end
     * @throws CoreException if an option is invalid
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
     * @param options the core's generator options by name, as values or as text
     * @return every option by name, as a value
     * @throws CoreException if one is invalid, with the reason
     */
    public static Map<String, Object> checked(final Map<String, Object> options) {
        return checked(json(options));
    }

    /** Checks a JSON document of options, as {@link #checked(Map)} does. */
    public static Map<String, Object> checked(final String document) {
        FirnLibrary.load();
        return read(check(document), new TypeReference<>() { });
    }

    /**
     * Checks the text of one option.
     *
     * @throws CoreException if the text is not valid for the option, with the reason
     */
    public static void checkOption(final String name, final String text) {
        FirnLibrary.load();
        checkText(name, text);
    }

    /** Starts the next file; false when the stream has ended. */
    public boolean nextFile() {
        return next(handle);
    }

    /** Writes the whole file that {@link #nextFile()} started. */
    public void writeTo(final OutputStream out) throws IOException {
        for (int filled = read(handle, buffer, 0, BUFFER_BYTES); filled > 0; filled = read(handle, buffer, 0, BUFFER_BYTES)) {
            // An OutputStream only accepts arrays, so this needs one copy.
            buffer.get(0, bytes, 0, filled);
            out.write(bytes, 0, filled);
        }
    }

    /** The counts of the file that was written. */
    public FileReport report() {
        return read(report(handle), new TypeReference<>() { });
    }

    @Override
    public void close() {
        try {
            close(handle);
        } finally {
            FirnLibrary.forwardLog();
        }
    }

    /** Options or a position as a JSON document. */
    public static String json(final Object document) {
        try {
            return JSON.writeValueAsString(document);
        } catch (final JsonProcessingException e) {
            throw new IllegalArgumentException("generator options cannot be written as JSON", e);
        }
    }

    private static <T> T read(final String json, final TypeReference<T> type) {
        try {
            return JSON.readValue(json, type);
        } catch (final JsonProcessingException e) {
            throw new IllegalStateException("the core returned invalid JSON", e);
        }
    }

    static native String check(String options);

    static native void checkText(String option, String text);

    static native long open(String options, String position, long endSequence);

    static native boolean next(long handle);

    /** Fills {@code buffer} from {@code start} to {@code end}; returns the bytes filled, 0 at the end of the file. */
    static native int read(long handle, ByteBuffer buffer, int start, int end);

    static native String report(long handle);

    static native void close(long handle);
}
