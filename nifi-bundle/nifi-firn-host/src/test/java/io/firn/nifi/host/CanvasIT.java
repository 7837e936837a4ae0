package io.firn.nifi.host;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Tests of the real canvas in headless Chromium, driven by {@code tests/canvas/canvas.mjs} like a user. */
class CanvasIT {

    private static final int EVENTS = 500;

    @Test
    void bothProcessorsAreFoundDroppedConfiguredVerifiedAndStarted(final TestInfo test) throws Exception {
        try (Snowglobe snowglobe = Snowglobe.start(); RealNifi nifi = RealNifi.start(test)) {
            // In the order in which a user sets them: the token's field is only shown after the strategy requires it.
            final ObjectNode settings = NifiApi.JSON.createObjectNode();
            settings.putObject("GenerateCustomerCsv").put("Total Rows", Integer.toString(EVENTS)).put("Max Rows per FlowFile", "100");
            settings.putObject("PutSnowflakeMerge").put("Account URL", snowglobe.url()).put("Account Identifier", "FIRN")
                    .put("Authentication Strategy", "Programmatic Access Token").put("Token", Snowglobe.TOKEN)
                    .put("Stage Bucket", "firn-landing").put("Region", "us-east-1").put("Endpoint Override URL", snowglobe.s3())
                    .put("Access Key ID", Snowglobe.ACCESS_KEY_ID).put("Secret Access Key", Snowglobe.SECRET_ACCESS_KEY);
            drive(nifi, settings);
            for (final String name : new String[] {"GenerateCustomerCsv", "PutSnowflakeMerge"}) {
                assertEquals("RUNNING", nifi.api().processor(nifi.api().processorNamed("root", name)).at("/component/state").asText());
            }
            RealNifi.waitFor(EVENTS + " events in the history", Duration.ofMinutes(1),
                    () -> snowglobe.number("select count(*) from CUSTOMER_HISTORY") == EVENTS);
        }
    }

    private static void drive(final RealNifi nifi, final ObjectNode settings) throws Exception {
        final Path screenshots = Files.createDirectories(Path.of(System.getProperty("firn.screenshots")));
        final Path log = screenshots.resolve("driver.log");
        final Process driver = new ProcessBuilder("node", System.getProperty("firn.canvas"), nifi.canvas(), screenshots.toString())
                .redirectErrorStream(true).redirectOutput(log.toFile()).start();
        try (OutputStream input = driver.getOutputStream()) {
            input.write(NifiApi.JSON.writeValueAsString(settings).getBytes(StandardCharsets.UTF_8));
        }
        final boolean ended = driver.waitFor(6, TimeUnit.MINUTES);
        driver.destroyForcibly();
        assertTrue(ended && driver.exitValue() == 0, "its screenshots are in " + screenshots + ": " + Files.readString(log));
    }
}
