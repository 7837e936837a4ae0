package io.firn.nifi.host;

import com.github.luben.zstd.Zstd;
import io.firn.nifi.processors.PutSnowflakeMerge;
import org.apache.nifi.components.ConfigVerificationResult;
import org.apache.nifi.processor.VerifiableProcessor;
import org.apache.nifi.provenance.ProvenanceEventRecord;
import org.apache.nifi.provenance.ProvenanceEventType;
import org.apache.nifi.util.MockFlowFile;
import org.apache.nifi.util.TestRunner;
import org.apache.nifi.util.TestRunners;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.GZIPOutputStream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Tests every relationship and every load mode, in NiFi's harness with the real Snowglobe. */
class PutSnowflakeMergeIT {

    static final String HEADER =
            "op,customer_id,first_name,last_name,email,phone,street,city,state,postal_code,country,updated_at,sequence\n";

    private Snowglobe snowglobe;
    private TestRunner runner;

    @BeforeEach
    void start() throws Exception {
        snowglobe = Snowglobe.start();
        runner = runnerFor(snowglobe);
    }

    /** The processor with a token for this Snowglobe and keys for its S3. */
    static TestRunner runnerFor(final Snowglobe snowglobe) {
        final TestRunner runner = TestRunners.newTestRunner(PutSnowflakeMerge.class);
        runner.setProperty("Account URL", snowglobe.url());
        runner.setProperty("Account Identifier", "FIRN");
        runner.setProperty("Authentication Strategy", "ACCESS_TOKEN");
        runner.setProperty("Token", Snowglobe.TOKEN);
        runner.setProperty("Stage Bucket", "firn-landing");
        runner.setProperty("Region", "us-east-1");
        runner.setProperty("Endpoint Override URL", snowglobe.s3());
        runner.setProperty("Access Key ID", Snowglobe.ACCESS_KEY_ID);
        runner.setProperty("Secret Access Key", Snowglobe.SECRET_ACCESS_KEY);
        runner.setProperty("Load Timeout", "60 secs");
        return runner;
    }

    @AfterEach
    void stop() {
        snowglobe.close();
    }

    /** One event of a customer, with its time in seconds of a minute; the second is also the sequence. */
    static String event(final String op, final int customer, final String city, final int second) {
        return "%s,%d,Ada,Lovelace,ada%d@example.org,,,%s,,,GB,2026-03-01T12:00:%02dZ,%d\n".formatted(op, customer, customer, city, second, second);
    }

    private MockFlowFile only(final String relationship) {
        return runner.getFlowFilesForRelationship(relationship).getFirst();
    }

    private void assertAttributes(final MockFlowFile flowFile, final Map<String, String> expected) {
        expected.forEach((name, value) -> flowFile.assertAttributeEquals("firn." + name, value));
    }

    @Test
    void theAttributesCountEachRowAndNameTheObject() throws Exception {
        runner.enqueue(HEADER + event("I", 1, "London", 1) + event("I", 2, "Turin", 2), Map.of("filename", "first.csv"));
        runner.run();
        runner.enqueue(HEADER + event("U", 1, "Ockham", 3) + event("D", 2, "Turin", 4) + event("I", 2, "Turin", 2), Map.of("filename", "second.csv"));
        runner.run();

        runner.assertAllFlowFilesTransferred("success", 2);
        final MockFlowFile first = only("success");
        assertAttributes(first, Map.of("rows.read", "2", "rows.malformed", "0", "rows.in", "2", "rows.history", "2", "rows.duplicates", "0",
                "rows.rejects", "0", "rows.inserted", "2", "rows.updated", "0", "rows.deleted", "0"));
        assertTrue(Long.parseLong(first.getAttribute("firn.latency.millis")) >= 0);
        assertAttributes(runner.getFlowFilesForRelationship("success").getLast(), Map.of("rows.read", "3", "rows.history", "2",
                "rows.duplicates", "1", "rows.inserted", "0", "rows.updated", "1", "rows.deleted", "1"));
        final List<ProvenanceEventRecord> sent = runner.getProvenanceEvents().stream()
                .filter(event -> event.getEventType() == ProvenanceEventType.SEND).toList();
        assertEquals(List.of("s3://firn-landing/" + first.getAttribute("firn.source.files"), "snowflake://127.0.0.1/FIRN/PUBLIC/CUSTOMER"),
                sent.stream().limit(2).map(ProvenanceEventRecord::getTransitUri).toList());
        assertEquals(4, sent.size());
        first.assertAttributeEquals("record.count", "2");
        assertEquals(4, runner.getCounterValue("History Rows"));
        assertEquals(1, runner.getCounterValue("Duplicate Rows"));
        assertEquals("Ockham", snowglobe.sql("select city from CUSTOMER").at("/data/0/0").asText());
        assertEquals(1, snowglobe.number("select count(*) from CUSTOMER_HISTORY where source_file = '"
                + first.getAttribute("firn.source.files") + "' and customer_id = 1"));
    }

    @ParameterizedTest
    @CsvSource({"gzip, gzip", "gzip, none", "zstd, zstd", "zstd, gzip", "plain, zstd", "plain, none"})
    void filesAreReadAndStoredInEveryCompression(final String incoming, final String stored) throws Exception {
        runner.setProperty("Compression Format", stored);
        runner.enqueue(packed(HEADER + event("I", 1, "London", 1), incoming), Map.of("filename", "no-suffix"));
        runner.run();
        runner.assertAllFlowFilesTransferred("success", 1);
        assertAttributes(only("success"), Map.of("rows.read", "1", "rows.inserted", "1"));
        assertEquals(1, snowglobe.number("select count(*) from CUSTOMER where city = 'London'"));
    }

    private static byte[] packed(final String text, final String packing) throws IOException {
        final byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        switch (packing) {
            case "gzip" -> {
                try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
                    gzip.write(bytes);
                }
            }
            case "zstd" -> out.write(Zstd.compress(bytes));
            default -> out.write(bytes);
        }
        return out.toByteArray();
    }

    @Test
    void malformedRowsGoToRejectedWithTheirReasonAndTheFileToSuccess() throws Exception {
        final String broken = event("I", 2, "Turin", 2).replace("2026-03-01T", "yesterday ");
        runner.enqueue(HEADER + event("I", 1, "London", 1) + broken, Map.of("filename", "half.csv"));
        runner.run();
        runner.assertTransferCount("success", 1);
        runner.assertTransferCount("rejected", 1);
        assertAttributes(only("success"), Map.of("rows.read", "2", "rows.malformed", "1", "rows.history", "1", "rows.rejects", "1"));
        final MockFlowFile rejected = only("rejected");
        rejected.assertAttributeEquals("filename", "rejected-half.csv");
        rejected.assertAttributeEquals("mime.type", "text/csv");
        rejected.assertAttributeEquals("record.count", "1");
        final String[] lines = rejected.getContent().split("\n");
        assertEquals("row,line,column,reason,raw", lines[0]);
        assertTrue(lines[1].startsWith("2,3,\"updated_at\",\"") && lines[1].contains("yesterday"), lines[1]);
        assertEquals(1, snowglobe.number("select count(*) from CUSTOMER_REJECTS where source_row = 2"));
    }

    @Test
    void theSameFlowFileTwiceChangesNothing() throws Exception {
        for (int time = 0; time < 2; time++) {
            runner.enqueue(HEADER + event("I", 1, "London", 1) + event("U", 1, "Ockham", 2), Map.of("filename", "again.csv"));
        }
        runner.run();
        runner.enqueue(HEADER + event("I", 1, "London", 1) + event("U", 1, "Ockham", 2), Map.of("filename", "again.csv"));
        runner.run();
        runner.assertAllFlowFilesTransferred("success", 3);
        assertEquals(1, runner.getFlowFilesForRelationship("success").stream()
                .map(file -> file.getAttribute("firn.source.files")).distinct().count());
        assertEquals(2, snowglobe.number("select count(*) from CUSTOMER_HISTORY"));
        assertEquals(1, snowglobe.number("select count(*) from CUSTOMER"));
    }

    @Test
    void manyFlowFilesAreOneLoadAndAnInvalidOneDoesNotAffectTheOthers() throws Exception {
        runner.setProperty("Max FlowFiles per Load", "4");
        for (int file = 1; file <= 4; file++) {
            final String content = file == 3 ? "what,is,this\n1,2,3\n" : HEADER + event("I", file, "London", file);
            runner.enqueue(content, Map.of("filename", "part-" + file + ".csv"));
        }
        runner.enqueue(HEADER + event("I", 5, "London", 5), Map.of("filename", "part-5.csv"));
        runner.run();
        runner.assertTransferCount("success", 3);
        runner.assertTransferCount("failure", 1);
        runner.assertQueueNotEmpty();
        final MockFlowFile failed = only("failure");
        failed.assertAttributeEquals("filename", "part-3.csv");
        assertTrue(failed.isPenalized());
        assertTrue(failed.getAttribute("firn.error").contains("customer_id"), failed.getAttribute("firn.error"));
        assertTrue(failed.getAttribute("firn.error").startsWith("part-3.csv: "), failed.getAttribute("firn.error"));
        assertEquals(3, snowglobe.number("select count(*) from CUSTOMER_HISTORY"));
        runner.run();
        runner.assertTransferCount("success", 4);
        runner.assertQueueEmpty();
    }

    @Test
    void aLoadWithALostResponseIsRetriedSafely() throws Exception {
        snowglobe.inject("{\"fault\": \"lose_answer\", \"times\": 2, \"on\": {\"service\": \"snowflake\"}}");
        runner.enqueue(HEADER + event("I", 1, "London", 1), Map.of("filename", "lost.csv"));
        runner.run();
        runner.assertAllFlowFilesTransferred("success", 1);
        assertEquals(1, snowglobe.number("select count(*) from CUSTOMER_HISTORY"));
    }

    @ParameterizedTest
    @CsvSource({"snowflake, 503", "s3, 503", "snowflake, 429"})
    void aBusyServiceMeansRetryAndThenSuccess(final String service, final int status) throws Exception {
        runner.setProperty("Load Timeout", "2 secs");
        snowglobe.inject("{\"fault\": \"refuse\", \"status\": %d, \"times\": null, \"on\": {\"service\": \"%s\"}}".formatted(status, service));
        runner.enqueue(HEADER + event("I", 1, "London", 1), Map.of("filename", "busy.csv"));
        runner.run();
        runner.assertAllFlowFilesTransferred("retry", 1);
        final MockFlowFile tried = only("retry");
        assertTrue(tried.isPenalized());
        assertFalse(tried.getAttribute("firn.error").isBlank());
        snowglobe.calm();
        runner.clearTransferState();
        runner.setProperty("Load Timeout", "60 secs");
        runner.enqueue(tried);
        runner.run();
        runner.assertAllFlowFilesTransferred("success", 1);
        assertEquals(1, snowglobe.number("select count(*) from CUSTOMER_HISTORY"));
    }

    @ParameterizedTest
    @CsvSource({"Token, not-the-token", "Secret Access Key, not-the-secret", "Stage Bucket, no-such-bucket", "Schema, NOWHERE", "Role, NO_SUCH_ROLE"})
    void aConfigurationErrorIsAFailureWithAFix(final String property, final String value) {
        runner.setProperty(property, value);
        runner.enqueue(HEADER + event("I", 1, "London", 1), Map.of("filename", "f.csv"));
        runner.run();
        runner.assertAllFlowFilesTransferred("failure", 1);
        final String error = only("failure").getAttribute("firn.error");
        assertFalse(error.isBlank());
        for (final String secret : List.of("not-the-token", "not-the-secret", Snowglobe.TOKEN, Snowglobe.SECRET_ACCESS_KEY)) {
            assertFalse(error.contains(secret) || runner.getLogger().getErrorMessages().toString().contains(secret), error);
        }
    }

    @Test
    void snowpipeOnlyUploadsAndThePipeAndTheTaskDoTheRest() throws Exception {
        runner.setProperty("Load Strategy", "Snowpipe");
        runner.enqueue(HEADER + event("I", 1, "London", 1), Map.of("filename", "piped.csv"));
        runner.run();
        runner.assertAllFlowFilesTransferred("success", 1);
        assertAttributes(only("success"), Map.of("rows.read", "1", "rows.malformed", "0"));
        assertNull(only("success").getAttribute("firn.rows.history"));
        untilMerged();
    }

    @Test
    void snowpipeAwaitedEndsWhenTheRowsAreInTheHistory() throws Exception {
        runner.setProperty("Load Strategy", "Snowpipe, Awaited");
        runner.enqueue(HEADER + event("I", 1, "London", 1), Map.of("filename", "awaited.csv"));
        final AtomicBoolean ended = new AtomicBoolean();
        final Thread minutes = Thread.ofPlatform().start(() -> {
            try {
                RealNifi.waitFor("the load", Duration.ofMinutes(1), () -> {
                    snowglobe.advance(60);
                    return ended.get();
                });
            } catch (final Exception e) {
                throw new AssertionError(e);
            }
        });
        runner.run();
        ended.set(true);
        minutes.join();
        runner.assertAllFlowFilesTransferred("success", 1);
        assertAttributes(only("success"), Map.of("rows.in", "1", "rows.history", "1", "rows.inserted", "1"));
        assertEquals(1, snowglobe.number("select count(*) from CUSTOMER_HISTORY"));
    }

    @Test
    void aTimeoutOfSnowpipeAwaitedMeansRetryWithAHint() throws Exception {
        snowglobe.sql("alter task MERGE_CUSTOMER_TASK suspend");
        runner.setProperty("Load Strategy", "Snowpipe, Awaited");
        runner.setProperty("Load Timeout", "1 secs");
        runner.enqueue(HEADER + event("I", 1, "London", 1), Map.of("filename", "waits.csv"));
        runner.run();
        runner.assertAllFlowFilesTransferred("retry", 1);
        assertTrue(only("retry").getAttribute("firn.error").contains("check pipe and tasks"), only("retry").getAttribute("firn.error"));
    }

    private void untilMerged() throws Exception {
        RealNifi.waitFor("pipe and task", Duration.ofMinutes(1), () -> {
            snowglobe.advance(60);
            return snowglobe.number("select count(*) from CUSTOMER_HISTORY") == 1;
        });
    }

    @Test
    void verifyFindsNoProblemInACompleteSetup() {
        assertTrue(verify().stream().allMatch(step -> step.getOutcome() == ConfigVerificationResult.Outcome.SUCCESSFUL), verify().toString());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "drop table CUSTOMER | table CUSTOMER | run `undrop table CUSTOMER`",
        "drop table CUSTOMER_HISTORY_OPEN | table CUSTOMER_HISTORY_OPEN | run `undrop table CUSTOMER_HISTORY_OPEN`",
        "drop table CUSTOMER_REJECTS | table CUSTOMER_REJECTS | run `undrop table CUSTOMER_REJECTS`",
        "drop view CUSTOMER_VERSIONS | view CUSTOMER_VERSIONS | run `firn bootstrap` (90_views.sql)",
        "drop stream CUSTOMER_STAGING_STREAM | stream CUSTOMER_STAGING_STREAM | run `firn reconcile`",
        "drop stream CUSTOMER_CHANGES | stream CUSTOMER_CHANGES | run `firn reconcile`",
        "drop procedure MERGE_CUSTOMER(boolean, boolean) | procedure MERGE_CUSTOMER | run `firn bootstrap` (60_merge.sql)",
        "drop pipe CUSTOMER_PIPE | pipe CUSTOMER_PIPE | run `firn bootstrap` (40_pipe.sql)",
        "alter pipe CUSTOMER_PIPE set pipe_execution_paused = true | pipe CUSTOMER_PIPE | set pipe_execution_paused = false",
        "alter task MERGE_CUSTOMER_TASK suspend | task MERGE_CUSTOMER_TASK | `alter task MERGE_CUSTOMER_TASK resume`",
        "drop task MERGE_CUSTOMER_TASK | task MERGE_CUSTOMER_TASK | run `firn bootstrap` (80_tasks.sql)",
    })
    void verifyNamesWhatIsMissingAndItsFix(final String statement, final String check, final String fix) throws Exception {
        snowglobe.sql(statement);
        final ConfigVerificationResult found = failedSteps().getFirst();
        assertEquals("Check " + check, found.getVerificationStepName());
        assertTrue(found.getExplanation().contains(fix), found.getExplanation());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "Token | not-the-token | Check connection",
        "Role | NO_SUCH_ROLE | Check connection",
        "Stage Bucket | no-such-bucket | Check stage CUSTOMER_STAGE",
        "Secret Access Key | not-the-secret | Check bucket",
        "Schema | NOWHERE | Check objects of CUSTOMER",
    })
    void verifyNamesTheStepThatASettingBreaks(final String property, final String value, final String step) {
        runner.setProperty(property, value);
        final ConfigVerificationResult found = failedSteps().getFirst();
        assertEquals(step, found.getVerificationStepName(), found.getExplanation());
        assertFalse(found.getExplanation().isBlank() || found.getExplanation().contains("not-the-"), found.getExplanation());
    }

    @ParameterizedTest
    @CsvSource({"Account URL, http://127.0.0.1:1 cannot be reached", "Endpoint Override URL, bucket firn-landing cannot be reached"})
    void verifyReportsAnUnreachableService(final String property, final String trouble) {
        runner.setProperty(property, "http://127.0.0.1:1");
        assertTrue(failedSteps().getFirst().getExplanation().contains(trouble), failedSteps().toString());
    }

    private List<ConfigVerificationResult> failedSteps() {
        return verify().stream().filter(step -> step.getOutcome() == ConfigVerificationResult.Outcome.FAILED).toList();
    }

    private List<ConfigVerificationResult> verify() {
        return ((VerifiableProcessor) runner.getProcessor()).verify(runner.getProcessContext(), runner.getLogger(), Map.of());
    }
}
