package io.firn.nifi.processors;

import org.junit.jupiter.api.Test;

import java.util.concurrent.atomic.AtomicLong;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

class RateLimiterTest {

    private static final long SECOND = 1_000_000_000L;

    private final AtomicLong now = new AtomicLong();

    @Test
    void rowsAreDueAsTimePasses() {
        final RateLimiter rateLimiter = new RateLimiter(100L, now::get);
        assertFalse(rateLimiter.isDue(50));
        now.addAndGet(SECOND / 2);
        assertTrue(rateLimiter.isDue(50));
        rateLimiter.emitted(50);
        assertFalse(rateLimiter.isDue(50));
        now.addAndGet(SECOND / 2);
        assertTrue(rateLimiter.isDue(50));
    }

    @Test
    void aFlowFileLargerThanOneSecondOfRowsBecomesDue() {
        final RateLimiter rateLimiter = new RateLimiter(10L, now::get);
        now.addAndGet(99 * SECOND);
        assertFalse(rateLimiter.isDue(1000));
        now.addAndGet(SECOND);
        assertTrue(rateLimiter.isDue(1000));
    }

    @Test
    void atMostOneSecondOfALongPauseIsCaughtUp() {
        final RateLimiter rateLimiter = new RateLimiter(100L, now::get);
        now.addAndGet(3600 * SECOND);
        assertTrue(rateLimiter.isDue(100));
        rateLimiter.emitted(100);
        assertFalse(rateLimiter.isDue(100));
    }

    @Test
    void everythingIsDueWithoutALimit() {
        assertTrue(new RateLimiter(null, now::get).isDue(Long.MAX_VALUE));
    }
}
