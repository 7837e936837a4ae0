package io.firn.nifi.processors;

import org.junit.jupiter.api.Test;

import java.util.concurrent.atomic.AtomicLong;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

class PaceTest {

    private static final long SECOND = 1_000_000_000L;

    private final AtomicLong now = new AtomicLong();

    @Test
    void rowsAreDueAsTimePasses() {
        final Pace pace = new Pace(100L, now::get);
        assertFalse(pace.isDue(50));
        now.addAndGet(SECOND / 2);
        assertTrue(pace.isDue(50));
        pace.emitted(50);
        assertFalse(pace.isDue(50));
        now.addAndGet(SECOND / 2);
        assertTrue(pace.isDue(50));
    }

    @Test
    void aFlowFileLargerThanASecondsRowsComesInTime() {
        final Pace pace = new Pace(10L, now::get);
        now.addAndGet(99 * SECOND);
        assertFalse(pace.isDue(1000));
        now.addAndGet(SECOND);
        assertTrue(pace.isDue(1000));
    }

    @Test
    void aLongPauseIsCaughtUpForOneSecondOnly() {
        final Pace pace = new Pace(100L, now::get);
        now.addAndGet(3600 * SECOND);
        assertTrue(pace.isDue(100));
        pace.emitted(100);
        assertFalse(pace.isDue(100));
    }

    @Test
    void withoutALimitEverythingIsDue() {
        assertTrue(new Pace(null, now::get).isDue(Long.MAX_VALUE));
    }
}
