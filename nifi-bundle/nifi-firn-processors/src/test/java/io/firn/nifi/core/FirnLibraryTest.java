package io.firn.nifi.core;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

class FirnLibraryTest {

    @BeforeAll
    static void load() {
        FirnLibrary.load();
    }

    @Test
    void theLibraryReportsItsVersion() {
        assertTrue(FirnLibrary.loadedVersion().matches("\\d+\\.\\d+\\.\\d+"), FirnLibrary.loadedVersion());
    }

    @Test
    void aPanicBecomesAnExceptionAndTheJvmSurvives() {
        final CoreException thrown = assertThrows(CoreException.class, () -> FirnLibrary.panic("the sky fell"));
        assertEquals(CoreException.Kind.BUG, thrown.kind());
        assertTrue(thrown.getMessage().endsWith(": the sky fell"), thrown.getMessage());
        assertTrue(FirnLibrary.version().startsWith("0."));
    }

    @Test
    void aNullBecomesAnException() {
        final CoreException thrown = assertThrows(CoreException.class, () -> FirnLibrary.panic(null));
        assertEquals(CoreException.Kind.CONFIG, thrown.kind());
        assertEquals("message is null", thrown.getMessage());
    }

    @Test
    void anyTextIsPassedUnchanged() {
        final String text = "quote ' \" nul \0 emoji \uD83C\uDFD4 kanji \u5C71";
        final CoreException thrown = assertThrows(CoreException.class, () -> FirnLibrary.panic(text));
        assertTrue(thrown.getMessage().endsWith(text), thrown.getMessage());
    }

    @Test
    void invalidUnicodeDoesNotBreakTheCall() {
        final CoreException thrown = assertThrows(CoreException.class, () -> FirnLibrary.panic("half a pair " + (char) 0xD83C + " end"));
        assertTrue(thrown.getMessage().contains("half a pair "), thrown.getMessage());
    }

    @Test
    void anUnknownLogLevelIsRejected() {
        final CoreException thrown = assertThrows(CoreException.class, () -> FirnLibrary.listen(17));
        assertEquals("invalid log level 17: expected 0 to 5", thrown.getMessage());
    }

    @Test
    void theCoresLogReachesSlf4jUnderFirnsLoggerNames() {
        final Logger logger = (Logger) LoggerFactory.getLogger(FirnLibrary.LOGGER_ROOT);
        final ListAppender<ILoggingEvent> appender = new ListAppender<>();
        appender.start();
        logger.addAppender(appender);
        try {
            assertThrows(CoreException.class, () -> FirnLibrary.panic("appears in the log"));
            FirnLibrary.forwardLog();
            assertTrue(appender.list.stream().anyMatch(event -> event.getFormattedMessage().contains("appears in the log")
                    && event.getLoggerName().equals("io.firn.core")), appender.list.toString());
        } finally {
            logger.detachAppender(appender);
        }
    }

    @Test
    void aPlatformWithoutALibraryIsReported() {
        assertEquals("firn-linux-aarch64", FirnLibrary.libraryName("Linux", "aarch64"));
        final CoreException thrown = assertThrows(CoreException.class, () -> FirnLibrary.libraryName("Mac OS X", "aarch64"));
        assertEquals("no native library for mac os x aarch64: expected linux amd64 or linux aarch64", thrown.getMessage());
    }

    @Test
    void aNarWithoutTheLibraryOfThisPlatformReportsTheMissingFileAndItsFix() {
        final CoreException thrown = assertThrows(CoreException.class, () -> FirnLibrary.load("firn-linux-elsewhere"));
        assertEquals(CoreException.Kind.CONFIG, thrown.kind());
        assertTrue(thrown.getMessage().startsWith("cannot load native library firn-linux-elsewhere: use a NAR built for this platform"),
                thrown.getMessage());
    }
}
