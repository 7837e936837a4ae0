package io.firn.nifi.core;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Loads files into Snowflake's tables through the native core, and returns an outcome for each. Thread-safe. */
public final class NativeLoader implements AutoCloseable {

    private static final ObjectMapper JSON = JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

    private final long handle;

    private NativeLoader(final long handle) {
        this.handle = handle;
    }

    /** Who loads and merges the files, and whether the call waits for it. */
    public enum Mode {
        /** Load and merge in the call. */
        @JsonProperty("copy_and_merge")
        COPY_AND_MERGE,
        /** Upload only; the pipe and the task load and merge. */
        @JsonProperty("snowpipe")
        SNOWPIPE,
        /** Upload, and wait until the pipe and the task have loaded and merged. */
        @JsonProperty("snowpipe_awaited")
        SNOWPIPE_AWAITED
    }

    /**
     * A file to load.
     *
     * @param name its name, with which the names of its objects begin
     * @param bytes its length
     * @param modifiedMillis the modification time, in milliseconds since 1970
     */
    public record Input(
            @JsonProperty("name") String name,
            @JsonProperty("bytes") long bytes,
            @JsonProperty("modified_millis") long modifiedMillis) {
    }

    /** The contents of the files of a load, by their number. The core calls it on the thread that called {@link #put}. */
    public interface Contents {

        /** Returns to the start of a content; the core reads each three times. */
        void rewind(int file) throws IOException;

        /** Fills {@code piece} with the next bytes; leaves it empty at the end of the content. */
        void read(int file, ByteBuffer piece) throws IOException;

        /** Receives the next bytes of the CSV of a file's malformed rows; never called for a file without them. */
        void rejected(int file, ByteBuffer csv) throws IOException;

        /** Whether to cancel the load, which then ends within a second. */
        boolean isCancelled();
    }

    /** What happened to a file's rows: {@code rows_in = history + duplicates + rejects}; the last three are rows of the current table. */
    public record RowCounts(
            @JsonProperty("rows_in") long rowsIn,
            @JsonProperty("history") long history,
            @JsonProperty("duplicates") long duplicates,
            @JsonProperty("rejects") long rejects,
            @JsonProperty("inserted") long inserted,
            @JsonProperty("updated") long updated,
            @JsonProperty("deleted") long deleted) {
    }

    /** A file that was loaded, as one object or, if it is large, as several. {@code bytes} is null if an earlier call uploaded it. */
    public record Loaded(
            @JsonProperty("table") String table,
            @JsonProperty("source_files") List<String> sourceFiles,
            @JsonProperty("rows_read") long rowsRead,
            @JsonProperty("malformed") long malformed,
            @JsonProperty("bytes") Long bytes,
            @JsonProperty("counts") RowCounts counts,
            @JsonProperty("upload_millis") long uploadMillis,
            @JsonProperty("load_millis") long loadMillis) {
    }

    /** Outcome of one file: exactly one of the two is not null. */
    public record Outcome(@JsonProperty("loaded") Loaded loaded, @JsonProperty("failed") Failed failed) {
    }

    /** Why a file was not loaded. */
    public record Failed(@JsonProperty("kind") CoreException.Kind kind, @JsonProperty("message") String message) {
    }

    /** One step of {@link #verify}: detail if it is ok, problem with its fix if not. */
    public record Finding(@JsonProperty("check") String check, @JsonProperty("detail") String detail, @JsonProperty("problem") String problem) {
    }

    /**
     * Opens a session; nothing is sent yet.
     *
     * @param settings the core's settings by name, including secrets; they are not stored elsewhere
     * @throws CoreException if a setting is invalid
     */
    public static NativeLoader open(final Map<String, Object> settings) {
        FirnLibrary.load();
        try {
            return new NativeLoader(open(json(settings)));
        } finally {
            FirnLibrary.forwardLog();
        }
    }

    /**
     * Loads files together; returns an outcome for each, in their order.
     *
     * @throws IOException if {@code contents} throws it; the load is cancelled, and repeating it is safe
     * @throws CoreException if {@code contents} cancels the load
     */
    public List<Outcome> put(final List<Input> files, final Contents contents, final Mode mode, final Duration timeout) throws IOException {
        try {
            final NativeContents access = new NativeContents(contents);
            final String request = json(Map.of("files", files, "mode", mode, "timeout_millis", timeout.toMillis()));
            return JSON.readValue(put(handle, request, access, access.buffer()), new TypeReference<>() { });
        } catch (final JsonProcessingException e) {
            throw new IllegalStateException("invalid JSON from the native core: outcomes", e);
        } finally {
            FirnLibrary.forwardLog();
        }
    }

    /** Checks everything that loading needs, step by step. */
    public List<Finding> verify(final Duration timeout) {
        try {
            return JSON.readValue(verify(handle, timeout.toMillis()), new TypeReference<>() { });
        } catch (final JsonProcessingException e) {
            throw new IllegalStateException("invalid JSON from the native core: findings", e);
        } finally {
            FirnLibrary.forwardLog();
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
            throw new IllegalArgumentException("cannot write the settings as JSON", e);
        }
    }

    static native long open(String settings);

    static native String put(long handle, String request, NativeContents contents, ByteBuffer buffer) throws IOException;

    static native String verify(long handle, long timeoutMillis);

    static native void close(long handle);
}
