package io.firn.nifi.host;

import com.fasterxml.jackson.databind.JsonNode;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A Snowglobe with the customer's tables, and the command line {@code firn} to query them. Both are binaries of this repository. */
final class Snowglobe implements AutoCloseable {

    static final String TOKEN = "token-that-never-shows-4711";
    static final String ACCESS_KEY_ID = "FIRNKEYTHATNEVERSHOWS";
    static final String SECRET_ACCESS_KEY = "secret-that-never-shows-4711";

    private static final Path BINARIES = Path.of(System.getProperty("firn.binaries"));

    private final HttpClient http = HttpClient.newHttpClient();
    private final Process process;
    private final String url;
    private final String s3;

    private Snowglobe(final Process process, final String url, final String s3) {
        this.process = process;
        this.url = url;
        this.s3 = s3;
    }

    static Snowglobe start() throws Exception {
        final ProcessBuilder builder = new ProcessBuilder(BINARIES.resolve("snowglobe").toString(),
                "--listen", "127.0.0.1:0", "--s3", "127.0.0.1:0", "--account", "FIRN", "--bucket", "firn-landing");
        builder.environment().putAll(Map.of("SNOWGLOBE_ADMIN_TOKEN", TOKEN, "SNOWGLOBE_S3_KEY_ID", ACCESS_KEY_ID,
                "SNOWGLOBE_S3_SECRET", SECRET_ACCESS_KEY));
        final Process process = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
        final BufferedReader lines = process.inputReader(StandardCharsets.UTF_8);
        final String url = address(lines.readLine(), "Snowflake");
        final String s3 = address(lines.readLine(), "S3");
        final Snowglobe snowglobe = new Snowglobe(process, url, s3);
        snowglobe.firn("bootstrap");
        return snowglobe;
    }

    private static String address(final String line, final String service) {
        if (line == null || !line.startsWith(service)) {
            throw new IllegalStateException("Snowglobe does not say where " + service + " listens: " + line);
        }
        return line.split("\\s+")[1];
    }

    String url() {
        return url;
    }

    String s3() {
        return s3;
    }

    /** Runs {@code firn} with a connection to this Snowglobe, and returns what it prints. */
    String firn(final String... arguments) throws IOException, InterruptedException {
        final List<String> command = new ArrayList<>(List.of(BINARIES.resolve("firn").toString()));
        command.addAll(List.of(arguments));
        final ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        final String[] hostAndPort = url.substring(url.indexOf("//") + 2).split(":");
        builder.environment().putAll(Map.of("SNOWFLAKE_ACCOUNT", "FIRN", "SNOWFLAKE_HOST", hostAndPort[0], "SNOWFLAKE_PORT", hostAndPort[1],
                "SNOWFLAKE_PROTOCOL", "http", "SNOWFLAKE_TOKEN", TOKEN));
        final Process firn = builder.start();
        final String printed = new String(firn.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!firn.waitFor(2, TimeUnit.MINUTES) || firn.exitValue() != 0) {
            throw new AssertionError(String.join(" ", command) + ": " + printed);
        }
        return printed;
    }

    /** Runs a statement as the role that owns the tables, over the SQL API, and returns the response. */
    JsonNode sql(final String statement) throws IOException, InterruptedException {
        return sql(statement, "FIRN_OWNER");
    }

    /** The same as another role. */
    JsonNode sql(final String statement, final String role) throws IOException, InterruptedException {
        return post("/api/v2/statements", NifiApi.JSON.createObjectNode().put("statement", statement).put("database", "FIRN")
                .put("schema", "PUBLIC").put("warehouse", "FIRN_WH").put("role", role));
    }

    /** One number from the tables. */
    long number(final String query) throws IOException, InterruptedException {
        return sql(query).at("/data/0/0").asLong();
    }

    /** Arms a fault, as described in Snowglobe's README. */
    void inject(final String fault) throws IOException, InterruptedException {
        post("/_snowglobe/faults", NifiApi.JSON.readTree(fault));
    }

    /** Disarms every fault. */
    void calm() throws IOException, InterruptedException {
        send(request("/_snowglobe/faults").DELETE().build());
    }

    /** Advances the clock of the service, so that scheduled tasks become due. */
    void advance(final int seconds) throws IOException, InterruptedException {
        post("/_snowglobe/clock", NifiApi.JSON.createObjectNode().put("advance_seconds", seconds));
    }

    private JsonNode post(final String path, final JsonNode body) throws IOException, InterruptedException {
        return send(request(path).POST(HttpRequest.BodyPublishers.ofString(body.toString())).build());
    }

    private HttpRequest.Builder request(final String path) {
        return HttpRequest.newBuilder(URI.create(url + path)).header("Authorization", "Bearer " + TOKEN)
                .header("Content-Type", "application/json").header("Accept", "application/json");
    }

    private JsonNode send(final HttpRequest request) throws IOException, InterruptedException {
        final HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() / 100 != 2) {
            throw new IllegalStateException("%s: %d %s".formatted(request, answer.statusCode(), answer.body()));
        }
        return answer.body().isEmpty() ? NifiApi.JSON.nullNode() : NifiApi.JSON.readTree(answer.body());
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
