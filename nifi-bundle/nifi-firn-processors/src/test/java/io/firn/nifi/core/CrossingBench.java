package io.firn.nifi.core;

import io.firn.nifi.core.NativeGenerator.Position;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Map;

/**
 * What it costs to cross between Java and the core: {@code CrossingBench ROUNDS}, run by {@code firn-bench nifi}. Prints a line for each run:
 * table, what crosses, calls, bytes and seconds, separated by tabs.
 */
final class CrossingBench {

    private static final int CALLS = 5_000_000;
    private static final int COPIES = 2_000;
    private static final int FILES = 20;
    private static final int BUFFER_BYTES = 1 << 20;
    private static final Map<String, Object> OPTIONS = Map.of("rows_per_file", 100_000, "updates", 0.3, "deletes", 0.05);

    private CrossingBench() {
    }

    /** The first round warms up, and is not told. */
    public static void main(final String[] arguments) throws IOException {
        FirnLibrary.load();
        final int rounds = Integer.parseInt(arguments[0]);
        for (int round = 0; round <= rounds; round++) {
            final boolean told = round > 0;
            emptyCalls(told);
            copies(told);
            files(told);
        }
    }

    /** The handle is looked up, the buffer's address is asked for, the generator is locked, and no byte is read. */
    private static void emptyCalls(final boolean told) {
        final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
        final long handle = NativeGenerator.open("{}", null, -1);
        final long start = System.nanoTime();
        for (int call = 0; call < CALLS; call++) {
            NativeGenerator.read(handle, buffer, 0, 0);
        }
        tell(told, "a call that carries nothing", CALLS, 0, start);
        NativeGenerator.close(handle);
    }

    /** What an OutputStream asks for: the bytes of the direct buffer in an array. */
    private static void copies(final boolean told) {
        final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
        final byte[] bytes = new byte[BUFFER_BYTES];
        final long start = System.nanoTime();
        for (int copy = 0; copy < COPIES; copy++) {
            buffer.put(copy, (byte) copy);
            buffer.get(0, bytes, 0, BUFFER_BYTES);
        }
        tell(told, "from the direct buffer into an array, 1 MiB at a time", COPIES, (long) COPIES * BUFFER_BYTES, start);
    }

    private static void files(final boolean told) throws IOException {
        try (NativeGenerator generator = NativeGenerator.open(OPTIONS, Position.START, null)) {
            final Count out = new Count();
            final long start = System.nanoTime();
            for (int file = 0; file < FILES; file++) {
                generator.nextFile();
                generator.writeTo(out);
            }
            tell(told, "made by the core and brought to an `OutputStream` that throws it away", out.calls, out.bytes, start);
        }
    }

    private static void tell(final boolean told, final String what, final long calls, final long bytes, final long start) {
        if (told) {
            System.out.printf("crossing\t%s\t%d\t%d\t%.6f%n", what, calls, bytes, (System.nanoTime() - start) / 1e9);
        }
    }

    /** Counts writes and bytes and keeps none. */
    private static final class Count extends OutputStream {
        private long calls;
        private long bytes;

        @Override
        public void write(final int oneByte) {
            bytes++;
        }

        @Override
        public void write(final byte[] written, final int offset, final int length) {
            calls++;
            bytes += length;
        }
    }
}
