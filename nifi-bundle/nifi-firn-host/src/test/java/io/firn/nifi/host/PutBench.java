package io.firn.nifi.host;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.firn.nifi.core.NativeGenerator;
import io.firn.nifi.core.NativeGenerator.Position;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;

/**
 * Loads files from a folder into the history of a new Snowglobe: by PutSnowflakeMerge, by a flow of NiFi's own processors, and by the bare
 * requests, with everything else prepared. The time of a flow beyond the bare requests is its own.
 */
final class PutBench {

    private static final int FILES = 5;
    private static final int ROWS = 40_000;
    private static final String OURS = "**`PutSnowflakeMerge`**";
    private static final String STOCK = "`ValidateRecord`, `InvokeHTTP` to S3, `ReplaceText`, `InvokeHTTP` to the SQL API";
    private static final String BARE = "only the requests: upload of prepared objects, one `COPY`, one merge";
    /** Name prefixes of the threads of NiFi's processors, and of the core. */
    private static final List<String> PROCESSORS_THREADS = List.of("Timer-Driven", "firn-loader");
    private static final Duration TIMEOUT = Duration.ofMinutes(3);
    private static final List<String> COLUMNS = List.of("first_name", "last_name", "email", "phone", "street", "city", "state", "postal_code",
            "country", "updated_at");
    /** The pipe's COPY statement. */
    private static final String COPY = "copy into CUSTOMER_STAGING (op, customer_id, %1$s, sequence, _firn_reject_reason, _firn_raw_line, "
            + "source_file, "
            + "source_row, loaded_at) from (select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, metadata$filename, "
            + "metadata$file_row_number, metadata$start_scan_time from @CUSTOMER_STAGE) file_format = (format_name = 'CUSTOMER_CSV') "
            + "on_error = continue";

    private final RealNifi nifi;
    private final HttpClient http = HttpClient.newHttpClient();
    private final List<byte[]> files = new ArrayList<>();
    private final String reader;
    private final String writer;
    private int runs;

    PutBench(final RealNifi nifi) throws Exception {
        this.nifi = nifi;
        final Map<String, Object> options = Map.of("rows_per_file", ROWS, "updates", 0.3, "deletes", 0.05);
        try (NativeGenerator generator = NativeGenerator.open(options, Position.START, null)) {
            for (int file = 0; file < FILES; file++) {
                generator.nextFile();
                final ByteArrayOutputStream content = new ByteArrayOutputStream();
                generator.writeTo(content);
                files.add(content.toByteArray());
            }
        }
        reader = nifi.api().addService("CSVReader", Map.of("schema-access-strategy", "schema-text-property", "schema-text", schema(),
                "Skip Header Line", "true", "CSV Format", "rfc-4180"));
        writer = nifi.api().addService("CSVRecordSetWriter", Map.of("CSV Format", "rfc-4180"));
    }

    /** The part of the contract that an Avro schema can express: types, and optional values. */
    private static String schema() {
        final String optional = COLUMNS.stream().map("{\"name\":\"%s\",\"type\":[\"null\",\"string\"]}"::formatted).collect(Collectors.joining(","));
        return "{\"type\":\"record\",\"name\":\"customer\",\"fields\":[{\"name\":\"op\",\"type\":\"string\"},"
                + "{\"name\":\"customer_id\",\"type\":\"long\"}," + optional + ",{\"name\":\"sequence\",\"type\":\"long\"}]}";
    }

    /** Each contender once. */
    void round() throws Exception {
        try (Snowglobe snowglobe = Snowglobe.start()) {
            stock(snowglobe);
        }
        try (Snowglobe snowglobe = Snowglobe.start()) {
            ours(snowglobe);
        }
        try (Snowglobe snowglobe = Snowglobe.start()) {
            bare(snowglobe);
        }
    }

    private void ours(final Snowglobe snowglobe) throws Exception {
        final String put = nifi.api().addProcessor("PutSnowflakeMerge", "0 sec", Map.of(
                "Account URL", snowglobe.url(), "Account Identifier", "FIRN", "Authentication Strategy", "ACCESS_TOKEN", "Token", Snowglobe.TOKEN,
                "Stage Bucket", "firn-landing", "Region", "us-east-1", "Endpoint Override URL", snowglobe.s3(),
                "Access Key ID", Snowglobe.ACCESS_KEY_ID, "Secret Access Key", Snowglobe.SECRET_ACCESS_KEY),
                Set.of("success", "rejected", "retry", "failure"));
        flow(OURS, snowglobe, List.of(put), List.of());
    }

    private void stock(final Snowglobe snowglobe) throws Exception {
        final NifiApi api = nifi.api();
        snowglobe.sql("alter pipe CUSTOMER_PIPE set pipe_execution_paused = true");
        final List<String> urls = new ArrayList<>();
        for (int file = 1; file <= FILES; file++) {
            urls.add(presigned(snowglobe, file + ".csv").toString());
        }
        final String validate = api.addProcessor("ValidateRecord", "0 sec", Map.of("record-reader", reader, "record-writer", writer),
                Set.of("invalid", "failure"));
        final String upload = api.addProcessor("InvokeHTTP", "0 sec", Map.of("HTTP Method", "PUT", "Response Generation Required", "true",
                "HTTP URL", "${literal('%s'):getDelimitedField(${filename:substringBefore('.')}, '|')}".formatted(String.join("|", urls))),
                Set.of("Failure", "No Retry", "Retry", "Original"));
        final String body = api.addProcessor("ReplaceText", "0 sec", Map.of("Replacement Strategy", "Always Replace",
                "Evaluation Mode", "Entire text", "Replacement Value", statement().toString()), Set.of("failure"));
        final Map<String, String> request = new HashMap<>(Map.of("HTTP Method", "POST", "HTTP URL", snowglobe.url() + "/api/v2/statements",
                "Request Content-Type", "application/json", "Socket Read Timeout", "2 mins"));
        request.putAll(Map.of("Authorization", "Bearer " + Snowglobe.TOKEN, "Accept", "application/json"));
        final String merge = api.addProcessor("InvokeHTTP", "0 sec", request, Set.of("Failure", "No Retry", "Retry", "Original", "Response"));
        flow(STOCK, snowglobe, List.of(validate, upload, body, merge), List.of("valid", "Response", "success"));
    }

    private static ObjectNode statement() {
        final ObjectNode statement = NifiApi.JSON.createObjectNode();
        statement.put("statement", COPY.formatted(String.join(", ", COLUMNS)) + "; call MERGE_CUSTOMER()");
        statement.put("database", "FIRN").put("schema", "PUBLIC").put("warehouse", "FIRN_WH").put("role", "FIRN_OWNER");
        statement.putObject("parameters").put("MULTI_STATEMENT_COUNT", "2");
        return statement;
    }

    /** GetFile and the processors in a row; measures from GetFile's start until the last processor has finished every FlowFile. */
    private void flow(final String program, final Snowglobe snowglobe, final List<String> row, final List<String> relationships)
            throws Exception {
        final NifiApi api = nifi.api();
        final Path folder = Files.createDirectories(nifi.folder().resolve("bench-in").resolve(Integer.toString(++runs)));
        for (int file = 0; file < FILES; file++) {
            Files.write(folder.resolve(file + 1 + ".csv"), files.get(file));
        }
        final String source = api.addProcessor("GetFile", "0 sec", Map.of("Input Directory", folder.toString()), Set.of());
        api.connect(source, row.getFirst(), Set.of("success"));
        for (int next = 1; next < row.size(); next++) {
            api.connect(row.get(next - 1), row.get(next), Set.of(relationships.get(next - 1)));
        }
        for (final String processor : row) {
            api.setState(processor, "RUNNING");
        }
        final Duration cpu = nifi.cpu(PROCESSORS_THREADS);
        final long start = System.nanoTime();
        api.setState(source, "RUNNING");
        RealNifi.waitFor(program, TIMEOUT,
                () -> api.processor(row.getLast()).at("/status/aggregateSnapshot/flowFilesIn").asInt() >= FILES);
        report(program, snowglobe, (System.nanoTime() - start) / 1e9);
        NifiBench.report("put-cpu", program, (long) FILES * ROWS, bytes(), nifi.cpu(PROCESSORS_THREADS).minus(cpu).toNanos() / 1e9);
        api.stop(source);
        for (final String processor : row) {
            api.stop(processor);
        }
    }

    private void bare(final Snowglobe snowglobe) throws Exception {
        snowglobe.sql("alter pipe CUSTOMER_PIPE set pipe_execution_paused = true");
        final List<HttpRequest> requests = new ArrayList<>();
        for (int file = 0; file < FILES; file++) {
            requests.add(HttpRequest.newBuilder(presigned(snowglobe, file + 1 + ".csv.gz"))
                    .PUT(HttpRequest.BodyPublishers.ofByteArray(packed(files.get(file)))).build());
        }
        requests.add(HttpRequest.newBuilder(URI.create(snowglobe.url() + "/api/v2/statements")).header("Content-Type", "application/json")
                .header("Accept", "application/json").header("Authorization", "Bearer " + Snowglobe.TOKEN)
                .POST(HttpRequest.BodyPublishers.ofString(statement().toString())).build());
        final long start = System.nanoTime();
        for (final HttpRequest request : requests) {
            final HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() / 100 != 2) {
                throw new IllegalStateException(answer.statusCode() + " " + answer.body());
            }
        }
        report(BARE, snowglobe, (System.nanoTime() - start) / 1e9);
    }

    private static byte[] packed(final byte[] content) throws IOException {
        final ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (OutputStream gzip = new GZIPOutputStream(packed)) {
            gzip.write(content);
        }
        return packed.toByteArray();
    }

    private static URI presigned(final Snowglobe snowglobe, final String name) throws GeneralSecurityException {
        return Presigned.put(URI.create(snowglobe.s3() + "/firn-landing/customer/" + name), Snowglobe.ACCESS_KEY_ID, Snowglobe.SECRET_ACCESS_KEY);
    }

    private void report(final String program, final Snowglobe snowglobe, final double seconds) throws Exception {
        final long history = snowglobe.number("select count(*) from CUSTOMER_HISTORY");
        if (history != (long) FILES * ROWS) {
            throw new IllegalStateException(program + " brought " + history + " of " + FILES * ROWS + " events into the history; rejects: "
                    + snowglobe.sql("select source_file, sum(rows_in), sum(history), sum(duplicates), sum(rejects)"
                            + " from CUSTOMER_RUNS group by source_file").at("/data"));
        }
        NifiBench.report("put", program, history, bytes(), seconds);
    }

    private long bytes() {
        return files.stream().mapToLong(file -> file.length).sum();
    }
}
