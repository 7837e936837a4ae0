package io.firn.nifi.core;

import java.io.Serial;

/**
 * A call into the native core failed. Its message says what, where and what next, and never holds a secret. The core makes it:
 * whether to try again is asked of {@link #isTransient()}, never read from the message.
 */
public final class CoreException extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    /** Whose turn it is. */
    public enum Kind {
        /** The configuration has to change. */
        CONFIG,
        /** The data was refused. */
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
