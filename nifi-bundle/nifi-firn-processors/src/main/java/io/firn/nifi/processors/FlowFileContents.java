package io.firn.nifi.processors;

import io.firn.nifi.core.NativeLoader.Contents;
import io.firn.nifi.core.NativeLoader.Input;
import org.apache.nifi.flowfile.FlowFile;
import org.apache.nifi.flowfile.attributes.CoreAttributes;
import org.apache.nifi.processor.ProcessSession;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/** FlowFiles for one load, read from the content repository as often as the core asks; malformed rows become FlowFiles as they are found. */
final class FlowFileContents implements Contents, AutoCloseable {

    private static final int CHUNK_BYTES = 1 << 16;
    /** As NiFi's processors for files write it. */
    private static final String LAST_MODIFIED = "file.lastModifiedTime";
    private static final DateTimeFormatter LAST_MODIFIED_FORMAT = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ssZ");

    private final ProcessSession session;
    private final List<Entry> entries = new ArrayList<>();
    private final BooleanSupplier cancelled;
    private final byte[] chunk = new byte[CHUNK_BYTES];

    /** One FlowFile, its content while it is read, and the FlowFile of its malformed rows if there are any. */
    private static final class Entry {
        private final FlowFile flowFile;
        private InputStream content;
        private FlowFile rejected;
        private OutputStream rows;

        private Entry(final FlowFile flowFile) {
            this.flowFile = flowFile;
        }
    }

    FlowFileContents(final ProcessSession session, final List<FlowFile> flowFiles, final BooleanSupplier cancelled) {
        this.session = session;
        this.cancelled = cancelled;
        flowFiles.forEach(flowFile -> entries.add(new Entry(flowFile)));
    }

    List<Input> inputs() {
        return entries.stream().map(entry -> inputOf(entry.flowFile)).toList();
    }

    private static Input inputOf(final FlowFile flowFile) {
        return new Input(flowFile.getAttribute(CoreAttributes.FILENAME.key()), flowFile.getSize(), modifiedMillis(flowFile));
    }

    /** When the file was modified where it came from; when NiFi received it, if no attribute says that. Stays the same when it is retried. */
    static long modifiedMillis(final FlowFile flowFile) {
        final String modified = flowFile.getAttribute(LAST_MODIFIED);
        if (modified != null) {
            try {
                return OffsetDateTime.parse(modified, LAST_MODIFIED_FORMAT).toInstant().toEpochMilli();
            } catch (final DateTimeException e) {
                return flowFile.getLineageStartDate();
            }
        }
        return flowFile.getLineageStartDate();
    }

    /** The FlowFile of a file's malformed rows, or null without any. To be asked for after {@link #finish}. */
    FlowFile rejectedOf(final int file) {
        return entries.get(file).rejected;
    }

    @Override
    public void rewind(final int file) throws IOException {
        final Entry entry = entries.get(file);
        closeContent(entry);
        entry.content = session.read(entry.flowFile);
    }

    @Override
    public void read(final int file, final ByteBuffer piece) throws IOException {
        final InputStream content = entries.get(file).content;
        while (piece.hasRemaining()) {
            final int length = content.read(chunk, 0, Math.min(chunk.length, piece.remaining()));
            if (length < 0) {
                return;
            }
            piece.put(chunk, 0, length);
        }
    }

    @Override
    public void rejected(final int file, final ByteBuffer csv) throws IOException {
        final Entry entry = entries.get(file);
        if (entry.rows == null) {
            entry.rejected = session.create(entry.flowFile);
            entry.rows = session.write(entry.rejected);
        }
        while (csv.hasRemaining()) {
            final int length = Math.min(chunk.length, csv.remaining());
            csv.get(chunk, 0, length);
            entry.rows.write(chunk, 0, length);
        }
    }

    @Override
    public boolean isCancelled() {
        return cancelled.getAsBoolean();
    }

    @Override
    public void close() throws IOException {
        finish();
    }

    /** Closes every stream, as NiFi transfers and commits no FlowFile with an open one. */
    void finish() throws IOException {
        for (final Entry entry : entries) {
            closeContent(entry);
            if (entry.rows != null) {
                entry.rows.close();
                entry.rows = null;
            }
        }
    }

    private static void closeContent(final Entry entry) throws IOException {
        if (entry.content != null) {
            entry.content.close();
            entry.content = null;
        }
    }
}
