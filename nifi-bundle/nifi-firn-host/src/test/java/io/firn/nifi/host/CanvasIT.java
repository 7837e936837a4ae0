package io.firn.nifi.host;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** The real canvas in headless Chromium, driven by {@code tests/canvas/canvas.mjs} as a person would. */
class CanvasIT {

    private static final int EVENTS = 500;

    @Test
    void bothProcessorsAreFoundDroppedConfiguredVerifiedAndStarted(final TestInfo test) throws Exception {
        try (Snowglobe snowglobe = Snowglobe.start(); RealNifi nifi = RealNifi.start(test)) {
            drive(nifi, Map.of(
                    "GenerateCustomerCsv", Map.of("Total Rows", Integer.toString(EVENTS), "Max Rows per FlowFile", "100"),
                    "PutSnowflakeMerge", Map.of("Account URL", snowglobe.url(), "Account Identifier", "FIRN",
                            "Authentication Strategy", "Programmatic Access Token", "Token", Snowglobe.TOKEN,
                            "Stage Bucket", "firn-landing", "Region", "us-east-1", "Endpoint Override URL", snowglobe.s3(),
                            "Access Key ID", Snowglobe.ACCESS_KEY_ID, "Secret Access Key", Snowglobe.SECRET_ACCESS_KEY)));
            for (final String name : new String[] {"GenerateCustomerCsv", "PutSnowflakeMerge"}) {
                assertEquals("RUNNING", nifi.api().processor(nifi.api().processorNamed("root", name)).at("/component/state").asText());
            }
            RealNifi.waitFor(EVENTS + " events in the history", Duration.ofMinutes(1),
                    () -> snowglobe.number("select count(*) from CUSTOMER_HISTORY") == EVENTS);
        }
    }

    private static void drive(final RealNifi nifi, final Map<String, Map<String, String>> settings) throws Exception {
        final Path screenshots = Files.createDirectories(Path.of(System.getProperty("firn.screenshots")));
        final Path told = screenshots.resolve("driver.log");
        final Process driver = new ProcessBuilder("node", System.getProperty("firn.canvas"), nifi.canvas(), screenshots.toString())
                .redirectErrorStream(true).redirectOutput(told.toFile()).start();
        try (OutputStream input = driver.getOutputStream()) {
            input.write(NifiApi.JSON.writeValueAsString(settings).getBytes(StandardCharsets.UTF_8));
        }
        final boolean ended = driver.waitFor(6, TimeUnit.MINUTES);
        driver.destroyForcibly();
        assertTrue(ended && driver.exitValue() == 0, "its screenshots are in " + screenshots + ": " + Files.readString(told));
    }
}
