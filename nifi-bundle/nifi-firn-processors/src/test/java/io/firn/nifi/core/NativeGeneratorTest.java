package io.firn.nifi.core;

import io.firn.nifi.core.NativeGenerator.FileReport;
import io.firn.nifi.core.NativeGenerator.Position;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

class NativeGeneratorTest {

    private static final Map<String, Object> OPTIONS = Map.of("seed", 7, "rows_per_file", 2000, "updates", 0.3, "deletes", 0.1);

    @BeforeAll
    static void load() {
        FirnLibrary.load();
    }

    @Test
    void aFileHoldsAHeaderAndTheRowsThatItsReportCounts() throws IOException {
        try (NativeGenerator generator = NativeGenerator.open(OPTIONS, Position.START, 3000L)) {
            assertTrue(generator.nextFile());
            final String[] lines = new String(file(generator), StandardCharsets.UTF_8).split("\n");
            final FileReport report = generator.report();
            assertTrue(lines[0].startsWith("op,customer_id,first_name,"), lines[0]);
            assertEquals(lines.length - 1, report.rows());
            assertEquals(2000, report.inserts() + report.updates() + report.deletes());
            assertTrue(report.updates() > 400 && report.deletes() > 100, report.toString());
            assertEquals(new Position(2000, 0), report.position());

            assertTrue(generator.nextFile());
            generator.writeTo(new ByteArrayOutputStream());
            assertFalse(generator.nextFile());
        }
    }

    @Test
    void aStreamResumesFromAPosition() throws IOException {
        final byte[] second;
        try (NativeGenerator generator = NativeGenerator.open(OPTIONS, Position.START, null)) {
            generator.nextFile();
            generator.nextFile();
            second = file(generator);
        }
        try (NativeGenerator generator = NativeGenerator.open(OPTIONS, new Position(2000, 0), null)) {
            generator.nextFile();
            assertArrayEquals(second, file(generator));
        }
    }

    @Test
    void anUnknownOptionIsReported() {
        final CoreException thrown = assertThrows(CoreException.class, () -> NativeGenerator.checked(Map.of("sead", 1)));
        assertEquals(CoreException.Kind.CONFIG, thrown.kind());
        assertTrue(thrown.getMessage().startsWith("invalid generator option `sead`: expected seed, locales,"), thrown.getMessage());
    }

    @Test
    void checkedOptionsAreCompleteAndTyped() {
        final Map<String, Object> checked = NativeGenerator.checked(Map.of("seed", "42", "updates", "30%", "gap_micros", "1 sec"));
        assertEquals(42, checked.get("seed"));
        assertEquals(0.3, checked.get("updates"));
        assertEquals(1_000_000, checked.get("gap_micros"));
        assertEquals(100_000, checked.get("rows_per_file"));
        assertEquals(checked, NativeGenerator.checked(NativeGenerator.json(checked)));
    }

    @Test
    void invalidDocumentsAreRejected() {
        for (final String garbage : new String[] {"", "{", "\0\0", "[1e999]", "\u007f".repeat(100_000), "{\"seed\":-1}", "[".repeat(100_000)}) {
            refused("option", () -> NativeGenerator.open(garbage, null, -1));
            refused("position", () -> NativeGenerator.open("{}", garbage, -1));
        }
    }

    @Test
    void nullsAreReported() {
        refused("options is null", () -> NativeGenerator.open(null, null, -1));
        refused("options is null", () -> NativeGenerator.checked((String) null));
        onAnOpenStream(handle -> refused("the buffer is null", () -> NativeGenerator.read(handle, null, 0, 1)));
    }

    @Test
    void aClosedHandleIsDistinguishedFromAnUnknownOne() {
        final long handle = NativeGenerator.open("{}", null, -1);
        NativeGenerator.close(handle);
        refused("is closed", () -> NativeGenerator.next(handle));
        refused("is closed", () -> NativeGenerator.close(handle));
        refused("is closed", () -> NativeGenerator.read(handle, ByteBuffer.allocateDirect(8), 0, 8));
        refused("it was never opened", () -> NativeGenerator.next(Long.MAX_VALUE));
        refused("it was never opened", () -> NativeGenerator.report(0));
        refused("it was never opened", () -> NativeGenerator.close(Long.MIN_VALUE));
    }

    @Test
    void bytesOutsideTheBufferAreNeverWritten() {
        final ByteBuffer buffer = ByteBuffer.allocateDirect(100);
        onAnOpenStream(handle -> {
            refused("bytes 0..101 are outside the buffer of 100 bytes", () -> NativeGenerator.read(handle, buffer, 0, 101));
            refused("outside the buffer", () -> NativeGenerator.read(handle, buffer, -1, 10));
            refused("outside the buffer", () -> NativeGenerator.read(handle, buffer, 60, 40));
            refused("outside the buffer", () -> NativeGenerator.read(handle, buffer, Integer.MIN_VALUE, Integer.MAX_VALUE));
            refused("not direct", () -> NativeGenerator.read(handle, ByteBuffer.allocate(100), 0, 100));
            NativeGenerator.next(handle);
            assertEquals(20, NativeGenerator.read(handle, buffer, 40, 60));
            assertEquals(0, buffer.get(39));
            assertEquals(0, buffer.get(60));
            assertEquals('o', buffer.get(40));
        });
    }

    @Test
    void aHandleMayBeClosedWhileAnotherThreadReads() throws InterruptedException {
        final long handle = NativeGenerator.open("{}", null, -1);
        final AtomicBoolean reads = new AtomicBoolean();
        final Thread reader = new Thread(() -> {
            final ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 16);
            assertThrows(CoreException.class, () -> {
                while (true) {
                    NativeGenerator.next(handle);
                    NativeGenerator.read(handle, buffer, 0, 1 << 16);
                    reads.set(true);
                }
            });
        });
        reader.start();
        while (!reads.get()) {
            Thread.onSpinWait();
        }
        NativeGenerator.close(handle);
        reader.join(10_000);
        assertFalse(reader.isAlive());
    }

    private interface OnHandle {
        void use(long handle);
    }

    private static void onAnOpenStream(final OnHandle use) {
        final long handle = NativeGenerator.open("{}", null, -1);
        try {
            use.use(handle);
        } finally {
            NativeGenerator.close(handle);
        }
    }

    private static void refused(final String reason, final Executable call) {
        final CoreException thrown = assertThrows(CoreException.class, call);
        assertEquals(CoreException.Kind.CONFIG, thrown.kind());
        assertTrue(thrown.getMessage().contains(reason), thrown.getMessage());
    }

    private static byte[] file(final NativeGenerator generator) throws IOException {
        final ByteArrayOutputStream file = new ByteArrayOutputStream();
        generator.writeTo(file);
        return file.toByteArray();
    }
}
