package io.firn.nifi.host;

import com.fasterxml.jackson.databind.JsonNode;
import io.firn.nifi.core.NativeGenerator;
import io.firn.nifi.core.NativeGenerator.Position;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Sources of customer rows in the real NiFi, one thread each, their FlowFiles dropped as soon as they are committed; and the disk of the
 * content repository, with plain writes. NiFi's own status counts FlowFiles and bytes.
 */
final class GenerateBench {

    private static final int ROWS = 100_000;
    private static final String OURS = "**`GenerateCustomerCsv`**";
    private static final String STOCK = "`GenerateRecord` with `CSVRecordSetWriter`";
    private static final String DISK = "the same files written directly to the disk of the content repository";
    private static final Duration TIMEOUT = Duration.ofMinutes(3);
    private static final Duration WINDOW = Duration.ofSeconds(5);
    /** NiFi deletes unneeded content within a second or two; so does the plain writer. */
    private static final int FILES_KEPT = 64;

    private final RealNifi nifi;
    private final String writer;
    private int sources;

    GenerateBench(final RealNifi nifi) throws Exception {
        this.nifi = nifi;
        this.writer = nifi.api().addService("CSVRecordSetWriter", Map.of());
    }

    /** Each contender once. */
    void round() throws Exception {
        // The first file is a sufficient warm-up: each file takes this processor long.
        run(STOCK, "GenerateRecord", stockProperties(), sources == 0 ? 1 : 0);
        run(OURS, "GenerateCustomerCsv", Map.of("Seed", Integer.toString(++sources), "Max Rows per FlowFile", Integer.toString(ROWS)), 20);
        plain();
    }

    /** The same columns, from the most similar ones of GenerateRecord's Faker. */
    private Map<String, String> stockProperties() {
        final Map<String, String> properties = new HashMap<>(Map.of("op", "Internet.httpMethod", "customer_id", "Number.Integer",
                "first_name", "Name.firstName", "last_name", "Name.lastName", "email", "Internet.emailAddress",
                "phone", "PhoneNumber.phoneNumber", "street", "Address.streetAddress", "city", "Address.city"));
        properties.putAll(Map.of("state", "Address.stateAbbr", "postal_code", "Address.zipCode", "country", "Address.countryCode",
                "updated_at", "DateAndTime.pastDate", "sequence", "Number.Integer"));
        properties.putAll(Map.of("record-writer", writer, "number-of-records", Integer.toString(ROWS), "nullable-fields", "false"));
        return properties;
    }

    /** Uses a new processor each time, so that its counters begin at 0; the first FlowFiles are a warm-up. */
    private void run(final String program, final String type, final Map<String, String> properties, final int warmUp) throws Exception {
        final NifiApi api = nifi.api();
        final String source = api.addProcessor(type, "0 sec", properties, Set.of("success"));
        api.setState(source, "RUNNING");
        RealNifi.waitFor(program + " to warm up", TIMEOUT, () -> tasks(status(source)) >= warmUp);
        final JsonNode before = status(source);
        final long start = System.nanoTime();
        RealNifi.waitFor(program + " to run", TIMEOUT,
                () -> System.nanoTime() - start >= WINDOW.toNanos() && tasks(status(source)) > tasks(before));
        final JsonNode after = status(source);
        final double seconds = (System.nanoTime() - start) / 1e9;
        api.stop(source);
        NifiBench.report("generate", program, (tasks(after) - tasks(before)) * ROWS,
                after.get("bytesWritten").asLong() - before.get("bytesWritten").asLong(), seconds);
    }

    private JsonNode status(final String source) throws Exception {
        return nifi.api().processor(source).at("/status/aggregateSnapshot");
    }

    /** Both emit one FlowFile per task; FlowFiles that are dropped at once do not count as output. */
    private static long tasks(final JsonNode status) {
        return status.get("taskCount").asLong();
    }

    private void plain() throws IOException {
        final byte[] content = content();
        final Path folder = Files.createDirectories(nifi.folder().resolve("content_repository").resolve("plain"));
        final Deque<Path> written = new ArrayDeque<>();
        final long start = System.nanoTime();
        int files = 0;
        while (System.nanoTime() - start < WINDOW.toNanos()) {
            final Path file = folder.resolve(Integer.toString(files++));
            try (OutputStream out = Files.newOutputStream(file)) {
                out.write(content);
            }
            written.add(file);
            if (written.size() > FILES_KEPT) {
                Files.delete(written.remove());
            }
        }
        final double seconds = (System.nanoTime() - start) / 1e9;
        for (final Path file : written) {
            Files.delete(file);
        }
        Files.delete(folder);
        NifiBench.report("generate", DISK, (long) files * ROWS, (long) files * content.length, seconds);
    }

    private static byte[] content() throws IOException {
        final ByteArrayOutputStream content = new ByteArrayOutputStream();
        try (NativeGenerator generator = NativeGenerator.open(Map.of("rows_per_file", ROWS), Position.START, null)) {
            generator.nextFile();
            generator.writeTo(content);
        }
        return content.toByteArray();
    }
}
