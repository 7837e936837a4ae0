package io.firn.nifi.core;

import com.sun.net.httpserver.HttpServer;
import io.firn.nifi.core.NativeLoader.Contents;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

class NativeLoaderTest {

    private static final String SETTINGS = """
            {"url": "http://127.0.0.1:1", "account": "FIRN", "access_token": "s3cret", "database": "FIRN", "schema": "PUBLIC",
             "stage_url": "s3://b/", "region": "us-east-1", "access_key_id": "k", "secret_access_key": "s3cret", "compression": "gzip"}""";

    private static final String REQUEST = """
            {"files": [{"name": "day.csv", "bytes": 9, "modified_millis": 0}], "mode": "snowpipe", "timeout_millis": 30000}""";

    @BeforeAll
    static void load() {
        FirnLibrary.load();
    }

    @Test
    void aHandleOfAnotherKindIsReportedAndStaysOpen() {
        final long generator = NativeGenerator.open("{}", null, -1);
        final long loader = NativeLoader.open(SETTINGS);
        refused("invalid handle " + generator + ": it is a generator, expected a loader", () -> put(generator, "{}"));
        refused("it is a generator, expected a loader", () -> NativeLoader.verify(generator, 1));
        refused("it is a generator, expected a loader", () -> NativeLoader.close(generator));
        refused("invalid handle " + loader + ": it is a loader, expected a generator", () -> NativeGenerator.next(loader));
        refused("it is a loader, expected a generator", () -> NativeGenerator.report(loader));
        refused("it is a loader, expected a generator", () -> NativeGenerator.read(loader, ByteBuffer.allocateDirect(8), 0, 8));
        refused("it is a loader, expected a generator", () -> NativeGenerator.close(loader));
        NativeGenerator.next(generator);
        NativeGenerator.close(generator);
        NativeLoader.close(loader);
    }

    @Test
    void aClosedHandleIsDistinguishedFromOneNeverIssued() {
        final long handle = NativeLoader.open(SETTINGS);
        NativeLoader.close(handle);
        refused("is closed", () -> put(handle, "{}"));
        refused("is closed", () -> NativeLoader.verify(handle, 1));
        refused("is closed", () -> NativeLoader.close(handle));
        refused("it was never opened", () -> put(0, "{}"));
        refused("it was never opened", () -> NativeLoader.verify(Long.MIN_VALUE, Long.MIN_VALUE));
        refused("it was never opened", () -> NativeLoader.close(Long.MAX_VALUE));
    }

    @Test
    void nullsAreReported() {
        final long handle = NativeLoader.open(SETTINGS);
        refused("settings is null", () -> NativeLoader.open((String) null));
        refused("request is null", () -> put(handle, null));
        refused("contents is null", () -> NativeLoader.put(handle, REQUEST, null, ByteBuffer.allocateDirect(8)));
        NativeLoader.close(handle);
    }

    @Test
    void invalidDocumentsAreRejectedAndNotShown() {
        final long handle = NativeLoader.open(SETTINGS);
        for (final String garbage : new String[] {"", "{", "\0\0", "[1e999]", "s3cret".repeat(20_000), "{\"files\": 5}", "[".repeat(100_000)}) {
            refused("invalid configuration document", () -> NativeLoader.open(garbage));
            refused("invalid request document", () -> put(handle, garbage));
        }
        NativeLoader.close(handle);
    }

    @Test
    void anExceptionOfTheContentsEndsTheLoadAndIsThrownToItsCaller() throws IOException {
        final long handle = openRefused();
        final Contents contents = new Nothing() {
            @Override
            public void read(final int file, final ByteBuffer piece) throws IOException {
                throw new IOException("the disk of file " + file + " is gone");
            }
        };
        final NativeContents access = new NativeContents(contents);
        final IOException thrown = assertThrows(IOException.class, () -> NativeLoader.put(handle, REQUEST, access, access.buffer()));
        assertEquals("the disk of file 0 is gone", thrown.getMessage());
        // A buffer that the core cannot access is reported.
        refused("the buffer is null", () -> NativeLoader.put(handle, REQUEST, new NativeContents(new Nothing()), null));
        refused("the buffer is not direct", () -> NativeLoader.put(handle, REQUEST, new NativeContents(new Nothing()), ByteBuffer.allocate(8)));
        NativeLoader.close(handle);
    }

    @Test
    void contentsCanCancelALoad() throws IOException {
        final long handle = openRefused();
        final NativeContents access = new NativeContents(new Nothing() {
            @Override
            public boolean isCancelled() {
                return true;
            }
        });
        final CoreException thrown = assertThrows(CoreException.class, () -> NativeLoader.put(handle, REQUEST, access, access.buffer()));
        assertEquals("the load was cancelled", thrown.getMessage());
        NativeLoader.close(handle);
    }

    /** A loader whose account rejects every login, so that only a load without a login starts. */
    private static long openRefused() throws IOException {
        final HttpServer account = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        account.createContext("/", exchange -> {
            exchange.sendResponseHeaders(403, -1);
            exchange.close();
        });
        account.start();
        return NativeLoader.open(SETTINGS.replace("127.0.0.1:1", "127.0.0.1:" + account.getAddress().getPort()));
    }

    /** Empty contents. */
    private static class Nothing implements Contents {
        @Override
        public void rewind(final int file) {
        }

        @Override
        public void read(final int file, final ByteBuffer piece) throws IOException {
        }

        @Override
        public void rejected(final int file, final ByteBuffer csv) {
        }

        @Override
        public boolean isCancelled() {
            return false;
        }
    }

    private static String put(final long handle, final String request) throws IOException {
        final NativeContents access = new NativeContents(new Nothing());
        return NativeLoader.put(handle, request, access, access.buffer());
    }

    private static void refused(final String reason, final Executable call) {
        final CoreException thrown = assertThrows(CoreException.class, call);
        assertEquals(CoreException.Kind.CONFIG, thrown.kind());
        assertTrue(thrown.getMessage().contains(reason), thrown.getMessage());
        assertTrue(thrown.getMessage().indexOf("s3cret") < 0, thrown.getMessage());
    }
}
