package io.firn.nifi.host;

import org.junit.jupiter.api.TestInfo;

import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/** The assembled NiFi in a run folder of its own: starts, kills and restarts it. Knows nothing of flows; see {@link NifiApi}. */
final class RealNifi implements AutoCloseable {

    private static final Path HOME = Path.of(System.getProperty("nifi.home"));
    private static final Duration START_TIMEOUT = Duration.ofMinutes(3);

    private final Path folder;
    private final int port;
    private Process process;

    private RealNifi(final Path folder, final int port) {
        this.folder = folder;
        this.port = port;
    }

    /** Starts a NiFi with an empty canvas in a folder named after the test, which is kept for examining failures. */
    static RealNifi start(final TestInfo test) throws Exception {
        return start(test.getTestMethod().orElseThrow().getName());
    }

    /** The same in a folder of that name. */
    static RealNifi start(final String name) throws Exception {
        final Path folder = HOME.resolveSibling("it").resolve(name);
        delete(folder);
        final RealNifi nifi = new RealNifi(folder, freePort());
        nifi.run();
        return nifi;
    }

    private static void delete(final Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> inside = Files.walk(folder)) {
                for (final Path path : inside.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            return free.getLocalPort();
        }
    }

    NifiApi api() {
        return new NifiApi("http://127.0.0.1:" + port + "/nifi-api");
    }

    String canvas() {
        return "http://127.0.0.1:" + port + "/nifi/";
    }

    Path folder() {
        return folder;
    }

    Path extensions() {
        return folder.resolve("extensions");
    }

    String log() throws IOException {
        return Files.readString(folder.resolve("logs/nifi-app.log"));
    }

    /** The flow that NiFi has saved, which happens shortly after NiFi reports it. */
    String savedFlow() throws IOException {
        try (InputStream flow = new GZIPInputStream(Files.newInputStream(folder.resolve("conf/flow.json.gz")))) {
            return new String(flow.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** The CPU time so far of its threads with matching names; threads that have ended do not count. */
    Duration cpu(final List<String> names) throws IOException {
        try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(process.pid()), "task"))) {
            return Duration.ofMillis(10 * threads.mapToLong(thread -> ticks(thread, names)).sum());
        }
    }

    /** Hundredths of a second; 0 for a thread of another name. proc(5): the name is the 2nd field, utime and stime are the 14th and 15th. */
    private static long ticks(final Path thread, final List<String> names) {
        final String stat;
        try {
            stat = Files.readString(thread.resolve("stat"));
        } catch (final IOException ended) {
            return 0;
        }
        final int nameEnd = stat.lastIndexOf(')');
        final String name = stat.substring(stat.indexOf('(') + 1, nameEnd);
        if (names.stream().noneMatch(name::startsWith)) {
            return 0;
        }
        final String[] fields = stat.substring(nameEnd + 2).split(" ");
        return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
    }

    /** Kills it with SIGKILL, so that it cannot clean up. */
    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    /** Starts it again with the files of the last run. */
    void run() throws Exception {
        Files.createDirectories(folder);
        final ProcessBuilder builder = new ProcessBuilder(HOME.resolve("bin/nifi.sh").toString(), folder.toString(),
                Integer.toString(port), Integer.toString(freePort()));
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("console.log").toFile()));
        process = builder.start();
        waitFor("NiFi to answer, see " + folder, START_TIMEOUT, () -> {
            if (!process.isAlive()) {
                throw new IllegalStateException("NiFi ended: " + Files.readString(folder.resolve("console.log")));
            }
            return api().answers();
        });
    }

    @Override
    public void close() {
        process.destroy();
        if (!process.onExit().completeOnTimeout(null, 30, TimeUnit.SECONDS).thenApply(ended -> ended != null).join()) {
            process.destroyForcibly();
        }
    }

    /** Polls until {@code condition} holds. */
    static void waitFor(final String what, final Duration timeout, final Callable<Boolean> condition) throws Exception {
        final long deadline = System.nanoTime() + timeout.toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("waited in vain for " + what);
            }
            Thread.sleep(100);
        }
    }
}
