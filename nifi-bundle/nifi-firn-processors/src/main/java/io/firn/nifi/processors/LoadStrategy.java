package io.firn.nifi.processors;

import io.firn.nifi.core.NativeLoader.Mode;
import org.apache.nifi.components.DescribedValue;

/** How far a load goes before its FlowFiles are transferred. */
enum LoadStrategy implements DescribedValue {
    COPY_AND_MERGE("Copy and Merge", "Load and merge the rows now, and report the row counts", Mode.COPY_AND_MERGE),
    SNOWPIPE("Snowpipe", "Upload only; the pipe and the task load and merge", Mode.SNOWPIPE),
    SNOWPIPE_AWAITED("Snowpipe, Awaited", "Upload, and wait until the pipe and the task have loaded and merged the rows", Mode.SNOWPIPE_AWAITED);

    private final String value;
    private final String description;
    private final Mode mode;

    LoadStrategy(final String value, final String description, final Mode mode) {
        this.value = value;
        this.description = description;
        this.mode = mode;
    }

    Mode mode() {
        return mode;
    }

    @Override
    public String getValue() {
        return value;
    }

    @Override
    public String getDisplayName() {
        return value;
    }

    @Override
    public String getDescription() {
        return description;
    }
}
