package io.firn.nifi.processors;

import org.apache.nifi.components.ConfigVerificationResult;
import org.apache.nifi.components.ConfigVerificationResult.Outcome;
import org.apache.nifi.processor.VerifiableProcessor;
import org.apache.nifi.util.MockFlowFile;
import org.apache.nifi.util.TestRunner;
import org.apache.nifi.util.TestRunners;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.ServerSocket;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Tests without a Snowflake: properties, credentials, and an unreachable service. */
class PutSnowflakeMergeTest {

    private static final String SECRET = "s3cret-that-never-shows";

    private TestRunner runner;

    @BeforeEach
    void runner() throws Exception {
        runner = TestRunners.newTestRunner(PutSnowflakeMerge.class);
        final String unreachable = "http://127.0.0.1:" + freePort();
        runner.setProperty(LoaderProperties.ACCOUNT_URL, unreachable);
        runner.setProperty(LoaderProperties.USER, "firn");
        runner.setProperty(LoaderProperties.PRIVATE_KEY, privateKey());
        runner.setProperty(LoaderProperties.BUCKET, "firn-landing");
        runner.setProperty(LoaderProperties.REGION, "us-east-1");
        runner.setProperty(LoaderProperties.ENDPOINT, unreachable);
        runner.setProperty(LoaderProperties.ACCESS_KEY_ID, "AKIAEXAMPLE");
        runner.setProperty(LoaderProperties.SECRET_ACCESS_KEY, SECRET);
        runner.setProperty(PutSnowflakeMerge.LOAD_TIMEOUT, "2 secs");
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            return free.getLocalPort();
        }
    }

    private static String privateKey() throws Exception {
        final KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        final String body = Base64.getMimeEncoder(64, "\n".getBytes()).encodeToString(generator.generateKeyPair().getPrivate().getEncoded());
        return "-----BEGIN PRIVATE KEY-----\n" + body + "\n-----END PRIVATE KEY-----\n";
    }

    @Test
    void anUnreachableServiceMeansRetry() {
        runner.enqueue("op,customer_id,first_name,last_name,email,phone,street,city,state,postal_code,country,updated_at,sequence\n",
                Map.of("filename", "../../etc/passwd"));
        runner.run();
        runner.assertAllFlowFilesTransferred(PutSnowflakeMerge.RETRY, 1);
        final MockFlowFile flowFile = runner.getFlowFilesForRelationship(PutSnowflakeMerge.RETRY).getFirst();
        assertTrue(flowFile.isPenalized());
        assertFalse(flowFile.getAttribute("firn.error").isBlank());
        assertFalse(flowFile.getAttributes().toString().contains(SECRET));
        assertFalse(runner.getLogger().getErrorMessages().toString().contains(SECRET));
    }

    @Test
    void nothingHappensWithoutAFlowFile() {
        runner.setNonLoopConnection(false);
        runner.run();
        runner.assertTransferCount(PutSnowflakeMerge.RETRY, 0);
        runner.assertTransferCount(PutSnowflakeMerge.FAILURE, 0);
    }

    @Test
    void aLoadThatIsStoppedLeavesItsFlowFilesInTheQueue() throws Exception {
        runner.setProperty(PutSnowflakeMerge.LOAD_TIMEOUT, "10 mins");
        runner.enqueue("op\n", Map.of("filename", "day.csv"));
        final Thread load = Thread.ofPlatform().start(() -> runner.run(1, false));
        while (runner.getQueueSize().getObjectCount() > 0) {
            assertTrue(load.isAlive());
            Thread.onSpinWait();
        }
        ((PutSnowflakeMerge) runner.getProcessor()).updateScheduledFalse();
        assertTrue(load.join(Duration.ofSeconds(20)));
        assertEquals(1, runner.getQueueSize().getObjectCount());
        runner.assertTransferCount(PutSnowflakeMerge.RETRY, 0);
        runner.stop();
    }

    @ParameterizedTest
    @CsvSource({
        "2026-01-05T10:00:00+0100, 1767603600000",
        "yesterday, 7",
        ", 7",
    })
    void theModificationTimeIsReadFromTheAttribute(final String attribute, final long millis) {
        final MockFlowFile flowFile = new MockFlowFile(1) {
            @Override
            public long getLineageStartDate() {
                return 7;
            }
        };
        if (attribute != null) {
            flowFile.putAttributes(Map.of("file.lastModifiedTime", attribute));
        }
        assertEquals(millis, FlowFileContents.modifiedMillis(flowFile));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "Account URL | no address",
        "Authentication Strategy | PASSWORD",
        "User | ' '",
        "Stage Bucket | ' '",
        "Endpoint Override URL | nowhere",
        "Compression Format | lzma",
        "Load Strategy | hope",
        "Max FlowFiles per Load | 0",
        "Load Timeout | 0 secs",
        "Database | ' '",
        "Schema | ' '",
        "Warehouse | ' '",
    })
    void invalidPropertiesAreRejectedOnTheCanvas(final String property, final String value) {
        runner.assertValid();
        runner.setProperty(property, value);
        runner.assertNotValid();
    }

    @Test
    void anAccessKeyNeedsItsSecret() {
        runner.removeProperty(LoaderProperties.SECRET_ACCESS_KEY);
        runner.assertNotValid();
        runner.removeProperty(LoaderProperties.ACCESS_KEY_ID);
        runner.assertValid();
    }

    @ParameterizedTest
    @ValueSource(strings = {"ACCESS_TOKEN", "OAUTH"})
    void aTokenReplacesUserAndKey(final String strategy) {
        runner.removeProperty(LoaderProperties.USER);
        runner.removeProperty(LoaderProperties.PRIVATE_KEY);
        runner.setProperty(LoaderProperties.AUTHENTICATION, strategy);
        runner.assertNotValid();
        runner.setProperty(LoaderProperties.TOKEN, SECRET);
        runner.assertValid();
        // The settings are valid, so the login is tried; the bucket is checked without a login.
        assertEquals(List.of("Check connection", "Check bucket"),
                verify().stream().map(ConfigVerificationResult::getVerificationStepName).filter(step -> step.startsWith("Check")).toList());
    }

    @Test
    void verifyStopsAtAnInvalidKey() {
        runner.setProperty(LoaderProperties.PRIVATE_KEY, SECRET);
        final List<ConfigVerificationResult> results = verify();
        assertEquals(List.of(Outcome.SUCCESSFUL, Outcome.FAILED), results.stream().map(ConfigVerificationResult::getOutcome).toList());
        assertEquals("Read settings", results.getLast().getVerificationStepName());
        assertFalse(results.toString().contains(SECRET));
    }

    @Test
    void verifyStopsAtAnInvalidContract() {
        runner.setProperty(LoaderProperties.CONTRACT, "[table");
        final ConfigVerificationResult last = verify().getLast();
        assertEquals("Read settings", last.getVerificationStepName());
        assertEquals(Outcome.FAILED, last.getOutcome());
    }

    private List<ConfigVerificationResult> verify() {
        return ((VerifiableProcessor) runner.getProcessor()).verify(runner.getProcessContext(), runner.getLogger(), Map.of());
    }
}
