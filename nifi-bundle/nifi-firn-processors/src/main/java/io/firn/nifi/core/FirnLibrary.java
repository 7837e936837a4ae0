package io.firn.nifi.core;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

import java.util.List;
import java.util.Locale;

/**
 * Loads the native library, and forwards its log to slf4j. The NAR has one file per platform in one folder, so that the platform is part
 * of the name.
 */
public final class FirnLibrary {

    /** The core's module {@code firn::store} logs as {@code io.firn.core.store}. */
    static final String LOGGER_ROOT = "io.firn.core";

    private static final ObjectMapper JSON = JsonMapper.builder().build();
    private static final Logger LOGGER = LoggerFactory.getLogger(LOGGER_ROOT);

    private static boolean loaded;

    private FirnLibrary() {
    }

    /** A record of the native log in its JSON form. */
    record LogLine(Level level, String target, String message) {
    }

    /**
     * Loads the library unless it is already loaded, and sets its log level to slf4j's. Call it before any native method.
     *
     * @throws CoreException if there is no library for this platform
     */
    public static synchronized void load() {
        if (!loaded) {
            load(libraryName(System.getProperty("os.name"), System.getProperty("os.arch")));
            loaded = true;
        }
        listen(levelOf(LOGGER));
    }

    static void load(final String name) {
        try {
            System.loadLibrary(name);
        } catch (final UnsatisfiedLinkError e) {
            final CoreException failure = new CoreException(CoreException.Kind.CONFIG,
                    "cannot load native library %s: use a NAR built for this platform (`make nar` on such a machine) on a system with glibc: %s"
                            .formatted(name, e.getMessage()));
            failure.initCause(e);
            throw failure;
        }
    }

    /** The library's version. */
    public static String loadedVersion() {
        load();
        return version();
    }

    static String libraryName(final String osName, final String osArch) {
        final String platform = osName.toLowerCase(Locale.ROOT) + " " + osArch;
        return switch (platform) {
            case "linux amd64", "linux x86_64" -> "firn-linux-x86_64";
            case "linux aarch64" -> "firn-linux-aarch64";
            default -> throw new CoreException(CoreException.Kind.CONFIG,
                    "no native library for %s: expected linux amd64 or linux aarch64".formatted(platform));
        };
    }

    /** Forwards the core's log lines to slf4j. Native threads never call into Java, so Java fetches the lines. */
    static void forwardLog() {
        final String lines = drainLog();
        if (lines == null) {
            return;
        }
        try {
            for (final LogLine line : JSON.readValue(lines, new TypeReference<List<LogLine>>() { })) {
                LoggerFactory.getLogger(loggerName(line.target())).atLevel(line.level()).log(line.message());
            }
        } catch (final JsonProcessingException e) {
            LOGGER.warn("Cannot read the native log", e);
        }
    }

    private static String loggerName(final String target) {
        final String dotted = target.replace("::", ".");
        final boolean ours = dotted.equals("firn") || dotted.startsWith("firn.");
        return ours ? LOGGER_ROOT + dotted.substring("firn".length()) : LOGGER_ROOT + ".crates." + dotted;
    }

    private static int levelOf(final Logger logger) {
        for (final Level level : List.of(Level.TRACE, Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR)) {
            if (logger.isEnabledForLevel(level)) {
                return level.ordinal() + 1;
            }
        }
        return 0;
    }

    static native String version();

    /** Collects log lines of this level (0 off, 1 error, up to 5 trace) and more severe ones for {@link #drainLog()}. */
    static native void listen(int level);

    /** A JSON array of {@link LogLine}, or null when nothing was logged. */
    static native String drainLog();

    /** Panics, so that a test can check that the JVM survives. */
    static native void panic(String message);
}
