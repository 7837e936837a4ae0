package io.firn.nifi.host;

import io.firn.nifi.core.NativeGenerator;
import io.firn.nifi.core.NativeGenerator.Position;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

class GenerateCustomerCsvIT {

    private static final Duration TIMEOUT = Duration.ofMinutes(2);

    private RealNifi nifi;
    private Path out;

    @BeforeEach
    void start(final TestInfo test) throws Exception {
        nifi = RealNifi.start(test);
        out = nifi.folder().resolve("out");
    }

    @AfterEach
    void stop() throws Exception {
        nifi.close();
    }

    @Test
    void aFlowWritesTheWholeStreamToDisk() throws Exception {
        final NifiApi api = nifi.api();
        final String source = addFlow(api, "0 sec", Map.of("Total Rows", "25000"));
        RealNifi.waitFor("25000 events in " + out, TIMEOUT, () -> sequences().length == 25_000);
        api.stop(source);
        assertWholeStream(25_000);
        assertTrue(nifi.log().lines().noneMatch(line -> line.contains(" ERROR ")), nifi.log());
    }

    @Test
    void aStreamResumesAfterKillMinusNine() throws Exception {
        final String source = addFlow(nifi.api(), "10 ms", Map.of());
        RealNifi.waitFor("the running flow to be saved", TIMEOUT,
                () -> nifi.savedFlow().split("\"scheduledState\":\"RUNNING\"", -1).length == 3);
        for (int kill = 1; kill <= 3; kill++) {
            final int before = files().size();
            RealNifi.waitFor("files in " + out, TIMEOUT, () -> files().size() > before + 5);
            nifi.kill();
            nifi.run();
        }
        final int before = files().size();
        RealNifi.waitFor("files after the last kill", TIMEOUT, () -> files().size() > before + 5);
        nifi.api().stop(source);
        nifi.api().drained();
        assertWholeStream(sequences().length);
    }

    /** A running flow from GenerateCustomerCsv to PutFile. */
    private String addFlow(final NifiApi api, final String schedule, final Map<String, String> more) throws Exception {
        final Map<String, String> properties = new HashMap<>(more);
        properties.put("Seed", "42");
        properties.put("Max Rows per FlowFile", "1000");
        final String source = api.addProcessor("GenerateCustomerCsv", schedule, properties, Set.of());
        final String put = api.addProcessor("PutFile", "0 sec",
                Map.of("Directory", out.toString(), "Conflict Resolution Strategy", "replace"), Set.of("success"));
        api.connect(source, put, Set.of("success"));
        api.connect(put, put, Set.of("failure"));
        api.setState(put, "RUNNING");
        api.setState(source, "RUNNING");
        return source;
    }

    private List<Path> files() throws IOException {
        if (!Files.exists(out)) {
            return List.of();
        }
        try (Stream<Path> list = Files.list(out)) {
            return list.filter(file -> !file.getFileName().toString().startsWith(".")).sorted().toList();
        }
    }

    /** The sequence numbers on disk, in the order of the files. */
    private long[] sequences() throws IOException {
        final LongStream.Builder sequences = LongStream.builder();
        for (final Path file : files()) {
            try (Stream<String> lines = Files.lines(file)) {
                lines.skip(1).mapToLong(line -> Long.parseLong(line.substring(line.lastIndexOf(',') + 1))).forEach(sequences);
            }
        }
        return sequences.build().toArray();
    }

    /** Asserts that no event is lost or duplicate, and that each file has the bytes of an uninterrupted stream. */
    private void assertWholeStream(final int events) throws IOException {
        final long[] sequences = sequences();
        assertEquals(events, sequences.length);
        final Map<String, Object> options = Map.of("seed", 42, "rows_per_file", 1000, "updates", 0.3, "deletes", 0.05);
        try (NativeGenerator uninterrupted = NativeGenerator.open(options, Position.START, null)) {
            for (final Path file : files()) {
                uninterrupted.nextFile();
                final ByteArrayOutputStream expected = new ByteArrayOutputStream();
                uninterrupted.writeTo(expected);
                assertArrayEquals(expected.toByteArray(), Files.readAllBytes(file), file.toString());
            }
        }
    }
}
