package io.firn.nifi.core;

import java.io.Serial;

/**
 * A call into the native core failed. The message says what is wrong, where, and what to do next, and never contains a secret.
 * Whether to retry is decided by {@link #isTransient()}, never by the message.
 */
public final class CoreException extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    /** What the failure means to the caller. */
    public enum Kind {
        /** The configuration has to change. */
        CONFIG,
        /** The file or its data is invalid. */
        REJECTED,
        /** The same call may succeed later. */
        TRANSIENT,
        /** A defect of Firn. */
        BUG
    }

    private final Kind kind;

    CoreException(final Kind kind, final String message) {
        super(message);
        this.kind = kind;
    }

    /** Called by the native library, by this signature. */
    CoreException(final String kind, final String message) {
        this(Kind.valueOf(kind), message);
    }

    public Kind kind() {
        return kind;
    }

    public boolean isTransient() {
        return kind == Kind.TRANSIENT;
    }
}
