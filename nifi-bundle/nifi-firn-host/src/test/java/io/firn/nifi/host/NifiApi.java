package io.firn.nifi.host;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The calls of NiFi's REST API that the tests need, as the canvas makes them. */
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
        } catch (final IOException | IllegalStateException e) {
            // Not there yet, or still too busy with its start to answer in time.
            return false;
        }
    }

    /** The entries of the Add Processor dialog for {@code type}: one per bundle version. */
    List<JsonNode> processorTypes(final String type) throws Exception {
        final List<JsonNode> found = new ArrayList<>();
        for (final JsonNode offered : get("/flow/processor-types").get("processorTypes")) {
            if (offered.get("type").asText().endsWith("." + type)) {
                found.add(offered);
            }
        }
        return found;
    }

    /** Adds a processor to the canvas; relationships in {@code ends} are auto-terminated. */
    String addProcessor(final String type, final String schedule, final Map<String, String> properties, final Set<String> ends) throws Exception {
        return addProcessor(processorTypes(type).getFirst(), schedule, properties, ends);
    }

    /** The same for one of several versions, as {@link #processorTypes} offers them. */
    String addProcessor(final JsonNode offered, final String schedule, final Map<String, String> properties, final Set<String> ends)
            throws Exception {
        final String type = offered.get("type").asText();
        final ObjectNode body = revision(0);
        final ObjectNode component = body.putObject("component");
        component.put("type", type).put("name", type.substring(type.lastIndexOf('.') + 1));
        component.set("bundle", offered.get("bundle"));
        component.putObject("position").put("x", 0).put("y", 0);
        final ObjectNode config = component.putObject("config");
        config.put("schedulingPeriod", schedule);
        config.set("properties", JSON.valueToTree(properties));
        config.set("autoTerminatedRelationships", JSON.valueToTree(ends));
        return post("/process-groups/root/processors", body).get("id").asText();
    }

    /** Adds a controller service to the canvas and enables it. */
    String addService(final String type, final Map<String, String> properties) throws Exception {
        JsonNode offered = null;
        for (final JsonNode service : get("/flow/controller-service-types").get("controllerServiceTypes")) {
            if (service.get("type").asText().endsWith("." + type)) {
                offered = service;
            }
        }
        if (offered == null) {
            throw new IllegalStateException("no controller service " + type);
        }
        final ObjectNode body = revision(0);
        final ObjectNode component = body.putObject("component").put("type", offered.get("type").asText()).put("name", type);
        component.set("bundle", offered.get("bundle"));
        component.set("properties", JSON.valueToTree(properties));
        final String id = post("/process-groups/root/controller-services", body).get("id").asText();
        final String path = "/controller-services/" + id;
        RealNifi.waitFor(type + " to be valid", TIMEOUT, () -> get(path).at("/component/validationStatus").asText().equals("VALID"));
        final ObjectNode enable = revision(get(path).at("/revision/version").asInt());
        put(path + "/run-status", enable.put("state", "ENABLED"));
        RealNifi.waitFor(type + " to be enabled", TIMEOUT, () -> get(path).at("/component/state").asText().equals("ENABLED"));
        return id;
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
        if (!state.equals("STOPPED")) {
            awaitValid(id);
        }
        final ObjectNode body = revisionOf(id);
        body.put("state", state);
        put("/processors/" + id + "/run-status", body);
    }

    /** NiFi validates in the background, and shows the errors from before a change for a moment. */
    private void awaitValid(final String id) throws Exception {
        try {
            RealNifi.waitFor("processor " + id + " to be valid", TIMEOUT,
                    () -> processor(id).at("/component/validationStatus").asText().equals("VALID"));
        } catch (final AssertionError late) {
            throw new IllegalStateException("processor " + id + " cannot run: " + processor(id).at("/component/validationErrors"), late);
        }
    }

    void stop(final String id) throws Exception {
        setState(id, "STOPPED");
        RealNifi.waitFor("processor " + id + " to stop", TIMEOUT, () -> {
            final JsonNode processor = processor(id);
            return processor.at("/status/aggregateSnapshot/activeThreadCount").asInt() == 0
                    && processor.at("/component/state").asText().equals("STOPPED");
        });
    }

    /** Uploads a flow definition onto the canvas and returns its process group. */
    String uploadFlow(final Path definition) throws Exception {
        final String boundary = "nifi-firn-host";
        final StringBuilder body = new StringBuilder();
        Map.of("groupName", "Firn", "positionX", "0", "positionY", "0", "clientId", boundary).forEach((name, value) -> body.append(
                "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n".formatted(boundary, name, value)));
        body.append("--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"flow.json\"\r\n\r\n".formatted(boundary))
                .append(Files.readString(definition)).append("\r\n--").append(boundary).append("--\r\n");
        return send("/process-groups/root/process-groups/upload", "POST", body.toString(), "multipart/form-data; boundary=" + boundary)
                .get("id").asText();
    }

    /** Sets parameters of a context; {@code secrets} are sensitive ones. */
    void setParameters(final String context, final Map<String, String> values, final Map<String, String> secrets) throws Exception {
        for (final JsonNode found : get("/flow/parameter-contexts").get("parameterContexts")) {
            if (found.at("/component/name").asText().equals(context)) {
                final String id = found.get("id").asText();
                final ObjectNode body = JSON.createObjectNode();
                body.set("revision", found.get("revision"));
                final ObjectNode component = body.put("id", id).putObject("component").put("id", id);
                final ArrayNode parameters = component.putArray("parameters");
                values.forEach((name, value) -> parameters.addObject().putObject("parameter").put("name", name).put("value", value)
                        .put("sensitive", false));
                secrets.forEach((name, value) -> parameters.addObject().putObject("parameter").put("name", name).put("value", value)
                        .put("sensitive", true));
                await("/parameter-contexts/" + id + "/update-requests", body);
                return;
            }
        }
        throw new IllegalStateException("no parameter context " + context);
    }

    String processorNamed(final String group, final String name) throws Exception {
        for (final JsonNode processor : get("/process-groups/" + group + "/processors").get("processors")) {
            if (processor.at("/component/name").asText().equals(name)) {
                return processor.get("id").asText();
            }
        }
        throw new IllegalStateException("no processor " + name);
    }

    void configure(final String processor, final Map<String, String> properties) throws Exception {
        final ObjectNode body = revisionOf(processor);
        body.putObject("component").put("id", processor).putObject("config").set("properties", JSON.valueToTree(properties));
        put("/processors/" + processor, body);
    }

    void startGroup(final String group) throws Exception {
        put("/flow/process-groups/" + group, JSON.createObjectNode().put("id", group).put("state", "RUNNING"));
    }

    /** The results of the Verify button. */
    List<JsonNode> verify(final String processor) throws Exception {
        final ObjectNode body = JSON.createObjectNode();
        final ObjectNode request = body.putObject("request").put("componentId", processor);
        final ObjectNode properties = request.putObject("properties");
        processor(processor).at("/component/config/properties").fields().forEachRemaining(property -> {
            // NiFi masks sensitive values in its responses, and keeps its own where none is sent.
            if (!property.getValue().asText().equals("********")) {
                properties.set(property.getKey(), property.getValue());
            }
        });
        request.putObject("attributes");
        final List<JsonNode> steps = new ArrayList<>();
        await("/processors/" + processor + "/config/verification-requests", body).at("/request/results").forEach(steps::add);
        return steps;
    }

    /** Makes an asynchronous request of NiFi, and returns it when it is complete. */
    private JsonNode await(final String path, final JsonNode body) throws Exception {
        final JsonNode request = post(path, body).get("request");
        final String pending = path + "/" + (request.has("requestId") ? request.get("requestId") : request.get("id")).asText();
        RealNifi.waitFor(pending, TIMEOUT, () -> get(pending).at("/request/complete").asBoolean());
        final JsonNode complete = get(pending);
        send(pending, "DELETE", null, "application/json");
        if (!complete.at("/request/failureReason").asText("").matches("|null")) {
            throw new IllegalStateException(complete.toString());
        }
        return complete;
    }

    /** The latest bulletins of processors. */
    JsonNode bulletins() throws Exception {
        return get("/flow/bulletin-board").at("/bulletinBoard/bulletins");
    }

    /** The first provenance events, each with its attributes; NiFi numbers them from 0. */
    List<JsonNode> provenance(final int limit) throws Exception {
        final List<JsonNode> events = new ArrayList<>();
        try {
            while (events.size() < limit) {
                events.add(get("/provenance-events/" + events.size()).get("provenanceEvent"));
            }
        } catch (final IllegalStateException e) {
            // There is no event of that number yet.
            return events;
        }
        return events;
    }

    /** Uploads a NAR to the running NiFi, like its NAR manager, and returns its id when it is installed. */
    String installNar(final Path nar) throws Exception {
        final HttpRequest request = HttpRequest.newBuilder(URI.create(base + "/controller/nar-manager/nars/content")).timeout(TIMEOUT)
                .header("Content-Type", "application/octet-stream").header("Filename", nar.getFileName().toString())
                .POST(HttpRequest.BodyPublishers.ofFile(nar)).build();
        final HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() >= 400) {
            throw new IllegalStateException(response.body());
        }
        final String id = JSON.readTree(response.body()).at("/narSummary/identifier").asText();
        RealNifi.waitFor("the NAR to be installed", TIMEOUT,
                () -> get("/controller/nar-manager/nars/" + id).at("/narSummary/state").asText().equals("Installed"));
        return id;
    }

    /** Deletes a NAR while processors use it. */
    void removeNar(final String id) throws Exception {
        send("/controller/nar-manager/nars/" + id + "?force=true", "DELETE", null, "application/json");
        RealNifi.waitFor("the NAR to be gone", TIMEOUT, () -> !get("/controller/nar-manager/nars").toString().contains(id));
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
        return send(path, "GET", null, "application/json");
    }

    JsonNode post(final String path, final JsonNode body) throws IOException, InterruptedException {
        return send(path, "POST", body.toString(), "application/json");
    }

    JsonNode put(final String path, final JsonNode body) throws IOException, InterruptedException {
        return send(path, "PUT", body.toString(), "application/json");
    }

    private JsonNode send(final String path, final String method, final String body, final String type) throws IOException, InterruptedException {
        final HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path)).timeout(TIMEOUT).header("Content-Type", type);
        request.method(method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        final HttpResponse<String> response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() >= 400) {
            throw new IllegalStateException("%s %s: %d %s".formatted(method, path, response.statusCode(), response.body()));
        }
        return response.body().isEmpty() ? JSON.nullNode() : JSON.readTree(response.body());
    }
}
