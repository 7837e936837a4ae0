package io.firn.nifi.processors;

import java.util.function.LongSupplier;

/** Limits a stream of rows to an average rate since its creation. After a pause it catches up for at most one second. */
final class RateLimiter {

    private static final double NANOS_PER_SECOND = 1e9;

    private final Long rowsPerSecond;
    private final LongSupplier nanoTime;
    private long lastNanos;
    private double allowance;

    /** No limit when {@code rowsPerSecond} is null. */
    RateLimiter(final Long rowsPerSecond) {
        this(rowsPerSecond, System::nanoTime);
    }

    RateLimiter(final Long rowsPerSecond, final LongSupplier nanoTime) {
        this.rowsPerSecond = rowsPerSecond;
        this.nanoTime = nanoTime;
        this.lastNanos = nanoTime.getAsLong();
    }

    /** Whether {@code rows} rows are due by now. */
    synchronized boolean isDue(final long rows) {
        if (rowsPerSecond == null) {
            return true;
        }
        final long now = nanoTime.getAsLong();
        final double most = Math.max(rows, rowsPerSecond);
        allowance = Math.min(most, allowance + rowsPerSecond * (now - lastNanos) / NANOS_PER_SECOND);
        lastNanos = now;
        return allowance >= rows;
    }

    synchronized void emitted(final long rows) {
        allowance -= rows;
    }
}
