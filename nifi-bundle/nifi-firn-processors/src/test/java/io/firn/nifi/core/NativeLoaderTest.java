package io.firn.nifi.core;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

import java.nio.ByteBuffer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

class NativeLoaderTest {

    private static final String SETTINGS = """
            {"url": "http://127.0.0.1:1", "account": "FIRN", "access_token": "s3cret", "database": "FIRN", "schema": "PUBLIC",
             "stage_url": "s3://b/", "region": "us-east-1", "access_key_id": "k", "secret_access_key": "s3cret", "compression": "gzip"}""";

    @BeforeAll
    static void load() {
        FirnLibrary.load();
    }

    @Test
    void aHandleOfAnotherKindIsNamedAndStaysOpen() {
        final long generator = NativeGenerator.open("{}", null, -1);
        final long loader = NativeLoader.open(SETTINGS);
        refused("invalid handle " + generator + ": it is a generator, expected a loader", () -> NativeLoader.put(generator, "{}"));
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
    void aClosedHandleIsToldFromOneNeverGivenOut() {
        final long handle = NativeLoader.open(SETTINGS);
        NativeLoader.close(handle);
        refused("is closed", () -> NativeLoader.put(handle, "{}"));
        refused("is closed", () -> NativeLoader.verify(handle, 1));
        refused("is closed", () -> NativeLoader.close(handle));
        refused("it was never opened", () -> NativeLoader.put(0, "{}"));
        refused("it was never opened", () -> NativeLoader.verify(Long.MIN_VALUE, Long.MIN_VALUE));
        refused("it was never opened", () -> NativeLoader.close(Long.MAX_VALUE));
    }

    @Test
    void nullsAreNamed() {
        final long handle = NativeLoader.open(SETTINGS);
        refused("settings is null", () -> NativeLoader.open((String) null));
        refused("request is null", () -> NativeLoader.put(handle, null));
        NativeLoader.close(handle);
    }

    @Test
    void garbageInPlaceOfDocumentsIsRefusedAndNotRepeated() {
        final long handle = NativeLoader.open(SETTINGS);
        for (final String garbage : new String[] {"", "{", "\0\0", "[1e999]", "s3cret".repeat(20_000), "{\"files\": 5}", "[".repeat(100_000)}) {
            refused("invalid configuration document", () -> NativeLoader.open(garbage));
            refused("invalid request document", () -> NativeLoader.put(handle, garbage));
        }
        NativeLoader.close(handle);
    }

    private static void refused(final String reason, final Executable call) {
        final CoreException thrown = assertThrows(CoreException.class, call);
        assertEquals(CoreException.Kind.CONFIG, thrown.kind());
        assertTrue(thrown.getMessage().contains(reason), thrown.getMessage());
        assertTrue(thrown.getMessage().indexOf("s3cret") < 0, thrown.getMessage());
    }
}
