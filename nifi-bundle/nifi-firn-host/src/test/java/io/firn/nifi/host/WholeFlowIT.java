package io.firn.nifi.host;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Tests the shipped flow of the demo in the real NiFi, with Snowglobe. */
class WholeFlowIT {

    private static final Duration TIMEOUT = Duration.ofMinutes(3);
    private static final Path FLOW = Path.of(System.getProperty("firn.flow"));
    private static final int EVENTS = 12_000;
    private static final List<String> SECRETS = List.of(Snowglobe.TOKEN, Snowglobe.ACCESS_KEY_ID, Snowglobe.SECRET_ACCESS_KEY);

    private Snowglobe snowglobe;
    private RealNifi nifi;
    private String group;

    @BeforeEach
    void start(final TestInfo test) throws Exception {
        snowglobe = Snowglobe.start();
        nifi = RealNifi.start(test);
        final Path inputFolder = Files.createDirectories(nifi.folder().resolve("input"));
        final NifiApi api = nifi.api();
        group = api.uploadFlow(FLOW);
        final Map<String, String> parameters = new LinkedHashMap<>();
        parameters.put("Account URL", snowglobe.url());
        parameters.put("S3 Endpoint", snowglobe.s3());
        parameters.put("Input Folder", inputFolder.toString());
        parameters.put("Rejects Folder", nifi.folder().resolve("rejects").toString());
        parameters.put("Rows per Second", "4000");
        api.setParameters("Firn", parameters, Map.of("Token", Snowglobe.TOKEN, "Access Key ID", Snowglobe.ACCESS_KEY_ID,
                "Secret Access Key", Snowglobe.SECRET_ACCESS_KEY));
        api.configure(api.processorNamed(group, "GenerateCustomerCsv"), Map.of("Total Rows", Integer.toString(EVENTS)));
    }

    @AfterEach
    void stop() {
        snowglobe.close();
        if (nifi != null) {
            nifi.close();
        }
    }

    @Test
    void everyEventReachesTheHistoryAndNoSecretIsVisible() throws Exception {
        nifi.api().startGroup(group);
        awaitHistory();
        assertTrue(snowglobe.firn("verify").lines().allMatch(line -> line.startsWith("ok")));
        try (Stream<Path> rejects = Files.list(nifi.folder().resolve("rejects"))) {
            assertTrue(rejects.findAny().isPresent(), "some of the generated rows are malformed");
        }
        Files.writeString(nifi.folder().resolve("input/no-customers.csv"), "what,is,this\n1,2,3\n");
        RealNifi.waitFor("the bulletin of a file that cannot be loaded", TIMEOUT,
                () -> nifi.api().bulletins().toString().contains("PutSnowflakeMerge"));
        assertNoSecretsOverTheApi();
        assertNoSecrets();
    }

    @Test
    void killMinusNineLosesAndDuplicatesNothing() throws Exception {
        nifi.api().startGroup(group);
        RealNifi.waitFor("the running flow to be saved", TIMEOUT,
                () -> nifi.savedFlow().split("\"scheduledState\":\"RUNNING\"", -1).length == 7);
        RealNifi.waitFor("the first rows in the history", TIMEOUT, () -> status().at("/history").asLong() > 0);
        nifi.kill();
        nifi.run();
        awaitHistory();
        assertTrue(snowglobe.firn("verify").lines().allMatch(line -> line.startsWith("ok")));
    }

    @Test
    void verifyOnTheCanvasReportsEachStep() throws Exception {
        final NifiApi api = nifi.api();
        final List<JsonNode> steps = api.verify(api.processorNamed(group, "PutSnowflakeMerge"));
        final List<String> names = new ArrayList<>();
        for (final JsonNode step : steps) {
            assertEquals("SUCCESSFUL", step.get("outcome").asText(), steps.toString());
            names.add(step.get("verificationStepName").asText());
        }
        assertTrue(names.containsAll(List.of("Load native library", "Read settings", "Check connection", "Check role", "Check warehouse",
                "Check clock", "Check table CUSTOMER", "Check view CUSTOMER_HISTORY", "Check stage CUSTOMER_STAGE", "Check pipe CUSTOMER_PIPE",
                "Check bucket")), names.toString());
    }

    private JsonNode status() throws Exception {
        return NifiApi.JSON.readTree(snowglobe.firn("status", "--json"));
    }

    private void awaitHistory() throws Exception {
        RealNifi.waitFor(EVENTS + " events in the history", TIMEOUT, () -> status().at("/history").asLong() >= EVENTS);
        nifi.api().drained();
        assertEquals(EVENTS, status().at("/history").asLong());
    }

    /** Everything that the canvas shows to a user with read access: bulletins, provenance with attributes, the flow, its parameters, its download. */
    private void assertNoSecretsOverTheApi() throws Exception {
        final NifiApi api = nifi.api();
        final List<JsonNode> events = api.provenance(1_000);
        final String sent = "s3://firn-landing/customer/";
        assertTrue(events.stream().anyMatch(event -> event.at("/transitUri").asText().startsWith(sent)),
                "SEND events name where files went: " + events);
        assertTrue(events.stream().anyMatch(event -> event.get("attributes").toString().contains("firn.source.files")));
        final Map<String, String> shown = Map.of("bulletins", api.bulletins().toString(), "provenance", events.toString(),
                "the flow", api.get("/flow/process-groups/" + group).toString(),
                "the download", api.get("/process-groups/" + group + "/download").toString(),
                "the parameters", api.get("/flow/parameter-contexts").toString(),
                "PutSnowflakeMerge", api.processor(api.processorNamed(group, "PutSnowflakeMerge")).toString());
        shown.forEach((what, text) -> SECRETS.forEach(secret -> assertFalse(text.contains(secret), "a secret is in " + what)));
    }

    /** Everything that NiFi wrote: logs, provenance, FlowFiles, the saved flow. */
    private void assertNoSecrets() throws IOException {
        assertTrue(nifi.savedFlow().contains("PutSnowflakeMerge"));
        for (final String secret : SECRETS) {
            assertFalse(nifi.savedFlow().contains(secret), "a secret is in flow.json.gz");
        }
        for (final String written : List.of("logs", "provenance_repository", "flowfile_repository", "content_repository", "state", "rejects")) {
            try (Stream<Path> files = Files.walk(nifi.folder().resolve(written))) {
                for (final Path file : files.filter(Files::isRegularFile).toList()) {
                    final String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
                    assertTrue(SECRETS.stream().noneMatch(bytes::contains), "a secret is in " + file);
                }
            }
        }
    }
}
