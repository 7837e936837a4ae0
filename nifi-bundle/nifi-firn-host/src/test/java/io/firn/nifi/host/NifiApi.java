package io.firn.nifi.host;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The few calls of NiFi's REST API that the tests make, as the canvas makes them. */
final class NifiApi {

    static final ObjectMapper JSON = JsonMapper.builder().build();
    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private final HttpClient http = HttpClient.newHttpClient();
    private final String base;

    NifiApi(final String base) {
        this.base = base;
    }

    boolean answers() throws Exception {
        try {
            return get("/flow/process-groups/root").has("processGroupFlow");
        } catch (final ConnectException | IllegalStateException e) {
            return false;
        }
    }

    /** What the Add Processor dialog lists under {@code type}: one entry a bundle version. */
    List<JsonNode> processorTypes(final String type) throws Exception {
        final List<JsonNode> found = new ArrayList<>();
        for (final JsonNode offered : get("/flow/processor-types").get("processorTypes")) {
            if (offered.get("type").asText().endsWith("." + type)) {
                found.add(offered);
            }
        }
        return found;
    }

    /** Drops a processor on the canvas; relationships in {@code ends} are auto-terminated. */
    String addProcessor(final String type, final String schedule, final Map<String, String> properties, final Set<String> ends) throws Exception {
        final JsonNode offered = processorTypes(type).getFirst();
        final ObjectNode body = revision(0);
        final ObjectNode component = body.putObject("component");
        component.put("type", offered.get("type").asText()).put("name", type);
        component.set("bundle", offered.get("bundle"));
        component.putObject("position").put("x", 0).put("y", 0);
        final ObjectNode config = component.putObject("config");
        config.put("schedulingPeriod", schedule);
        config.set("properties", JSON.valueToTree(properties));
        config.set("autoTerminatedRelationships", JSON.valueToTree(ends));
        return post("/process-groups/root/processors", body).get("id").asText();
    }

    void connect(final String source, final String destination, final Set<String> relationships) throws Exception {
        final String group = get("/flow/process-groups/root").at("/processGroupFlow/id").asText();
        final ObjectNode body = revision(0);
        final ObjectNode component = body.putObject("component");
        component.putObject("source").put("id", source).put("groupId", group).put("type", "PROCESSOR");
        component.putObject("destination").put("id", destination).put("groupId", group).put("type", "PROCESSOR");
        component.set("selectedRelationships", JSON.valueToTree(relationships));
        post("/process-groups/root/connections", body);
    }

    JsonNode processor(final String id) throws Exception {
        return get("/processors/" + id);
    }

    /** {@code RUNNING}, {@code STOPPED} or {@code RUN_ONCE}. */
    void setState(final String id, final String state) throws Exception {
        RealNifi.waitFor("processor " + id + " to be valid: " + processor(id).at("/component/validationErrors"), TIMEOUT,
                () -> !processor(id).at("/component/validationStatus").asText().equals("VALIDATING"));
        final ObjectNode body = revisionOf(id);
        body.put("state", state);
        put("/processors/" + id + "/run-status", body);
    }

    void stop(final String id) throws Exception {
        setState(id, "STOPPED");
        RealNifi.waitFor("processor " + id + " to stop", TIMEOUT, () -> {
            final JsonNode processor = processor(id);
            return processor.at("/status/aggregateSnapshot/activeThreadCount").asInt() == 0
                    && processor.at("/component/state").asText().equals("STOPPED");
        });
    }

    /** Waits until every queue is empty. */
    void drained() throws Exception {
        RealNifi.waitFor("the queues to be empty", TIMEOUT,
                () -> get("/flow/process-groups/root/status").at("/processGroupStatus/aggregateSnapshot/flowFilesQueued").asInt() == 0);
    }

    ObjectNode revisionOf(final String processor) throws Exception {
        return revision(processor(processor).at("/revision/version").asInt());
    }

    private static ObjectNode revision(final int version) {
        final ObjectNode body = JSON.createObjectNode();
        body.putObject("revision").put("version", version).put("clientId", "nifi-firn-host");
        return body;
    }

    JsonNode get(final String path) throws IOException, InterruptedException {
        return send(path, "GET", null);
    }

    JsonNode post(final String path, final JsonNode body) throws IOException, InterruptedException {
        return send(path, "POST", body);
    }

    JsonNode put(final String path, final JsonNode body) throws IOException, InterruptedException {
        return send(path, "PUT", body);
    }

    private JsonNode send(final String path, final String method, final JsonNode body) throws IOException, InterruptedException {
        final HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path)).timeout(TIMEOUT)
                .header("Content-Type", "application/json");
        request.method(method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body.toString()));
        final HttpResponse<String> response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() >= 400) {
            throw new IllegalStateException("%s %s: %d %s".formatted(method, path, response.statusCode(), response.body()));
        }
        return response.body().isEmpty() ? JSON.nullNode() : JSON.readTree(response.body());
    }
}
