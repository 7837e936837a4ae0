package io.firn.nifi.host;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarInputStream;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Tests two versions of the NAR in one NiFi, each with its own native library, of which one is replaced while a flow runs. */
class TwoNarsIT {

    private static final Duration TIMEOUT = Duration.ofMinutes(2);
    private static final String TYPE = "GenerateCustomerCsv";

    private RealNifi nifi;

    @BeforeEach
    void start(final TestInfo test) throws Exception {
        nifi = RealNifi.start(test);
    }

    @AfterEach
    void stop() {
        nifi.close();
    }

    @Test
    void twoVersionsRunSideBySideAndOneIsReplacedWhileTheOtherRuns() throws Exception {
        final NifiApi api = nifi.api();
        final Path first;
        try (Stream<Path> nars = Files.list(nifi.extensions())) {
            first = nars.filter(nar -> nar.getFileName().toString().startsWith("nifi-firn-nar-")).findAny().orElseThrow();
        }
        final String version = api.processorTypes(TYPE).getFirst().at("/bundle/version").asText();
        final Path second = copyOf(first, "99.0.0");
        String installed = api.installNar(second);
        awaitVersions(api, 2);

        final String old = running(api, version, "old");
        final String young = running(api, "99.0.0", "young");
        awaitMoreFiles("old");
        awaitMoreFiles("young");

        for (int replacement = 1; replacement <= 2; replacement++) {
            api.stop(young);
            api.removeNar(installed);
            awaitVersions(api, 1);
            assertTrue(api.processor(young).at("/component/extensionMissing").asBoolean());
            awaitMoreFiles("old");
            installed = api.installNar(second);
            awaitVersions(api, 2);
            RealNifi.waitFor("the processor to be whole again", TIMEOUT, () -> !api.processor(young).at("/component/extensionMissing").asBoolean());
            api.setState(young, "RUNNING");
            awaitMoreFiles("young");
        }
        assertEquals("RUNNING", api.processor(old).at("/component/state").asText());
        awaitMoreFiles("old");
        assertTrue(nifi.log().lines().noneMatch(line -> line.contains("UnsatisfiedLinkError")), nifi.log());
    }

    private String running(final NifiApi api, final String version, final String folder) throws Exception {
        final List<JsonNode> offered = api.processorTypes(TYPE);
        final JsonNode one = offered.stream().filter(type -> type.at("/bundle/version").asText().equals(version)).findAny().orElseThrow();
        final String source = api.addProcessor(one, "100 ms", Map.of("Max Rows per FlowFile", "100"), Set.of());
        final String put = api.addProcessor("PutFile", "0 sec",
                Map.of("Directory", nifi.folder().resolve(folder).toString(), "Conflict Resolution Strategy", "replace"),
                Set.of("success", "failure"));
        api.connect(source, put, Set.of("success"));
        api.setState(put, "RUNNING");
        api.setState(source, "RUNNING");
        return source;
    }

    private static void awaitVersions(final NifiApi api, final int versions) throws Exception {
        RealNifi.waitFor(versions + " versions of " + TYPE, TIMEOUT, () -> api.processorTypes(TYPE).size() == versions);
    }

    private void awaitMoreFiles(final String folder) throws Exception {
        final long before = files(folder);
        RealNifi.waitFor("more files in " + folder, TIMEOUT, () -> files(folder) > before + 3);
    }

    private long files(final String folder) throws IOException {
        final Path path = nifi.folder().resolve(folder);
        if (!Files.exists(path)) {
            return 0;
        }
        try (Stream<Path> files = Files.list(path)) {
            return files.count();
        }
    }

    /** The same NAR with another version in its manifest, which NiFi uses. */
    private Path copyOf(final Path nar, final String version) throws IOException {
        final Path copy = nifi.folder().resolve("nifi-firn-nar-" + version + ".nar");
        try (JarInputStream in = new JarInputStream(Files.newInputStream(nar)); OutputStream file = Files.newOutputStream(copy)) {
            final Manifest manifest = in.getManifest();
            manifest.getMainAttributes().putValue("Nar-Version", version);
            try (JarOutputStream out = new JarOutputStream(file)) {
                // NiFi unpacks in this order, and only creates folders that have an entry.
                out.putNextEntry(new JarEntry("META-INF/"));
                out.closeEntry();
                out.putNextEntry(new JarEntry(JarFile.MANIFEST_NAME));
                manifest.write(out);
                out.closeEntry();
                for (JarEntry entry = in.getNextJarEntry(); entry != null; entry = in.getNextJarEntry()) {
                    out.putNextEntry(new JarEntry(entry.getName()));
                    in.transferTo(out);
                    out.closeEntry();
                }
            }
        }
        return copy;
    }
}
