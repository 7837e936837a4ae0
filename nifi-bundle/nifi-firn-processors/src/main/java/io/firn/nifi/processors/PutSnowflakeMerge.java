package io.firn.nifi.processors;

import io.firn.nifi.core.CoreException;
import io.firn.nifi.core.FirnLibrary;
import io.firn.nifi.core.NativeLoader;
import io.firn.nifi.core.NativeLoader.Failed;
import io.firn.nifi.core.NativeLoader.Finding;
import io.firn.nifi.core.NativeLoader.Loaded;
import io.firn.nifi.core.NativeLoader.Outcome;
import org.apache.nifi.annotation.behavior.InputRequirement;
import org.apache.nifi.annotation.behavior.ReadsAttribute;
import org.apache.nifi.annotation.behavior.WritesAttribute;
import org.apache.nifi.annotation.behavior.WritesAttributes;
import org.apache.nifi.annotation.documentation.CapabilityDescription;
import org.apache.nifi.annotation.documentation.SeeAlso;
import org.apache.nifi.annotation.documentation.Tags;
import org.apache.nifi.annotation.documentation.UseCase;
import org.apache.nifi.annotation.lifecycle.OnScheduled;
import org.apache.nifi.annotation.lifecycle.OnStopped;
import org.apache.nifi.components.ConfigVerificationResult;
import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.components.ValidationContext;
import org.apache.nifi.components.ValidationResult;
import org.apache.nifi.flowfile.FlowFile;
import org.apache.nifi.flowfile.attributes.CoreAttributes;
import org.apache.nifi.logging.ComponentLog;
import org.apache.nifi.processor.AbstractProcessor;
import org.apache.nifi.processor.ProcessContext;
import org.apache.nifi.processor.ProcessSession;
import org.apache.nifi.processor.Relationship;
import org.apache.nifi.processor.VerifiableProcessor;
import org.apache.nifi.processor.exception.ProcessException;
import org.apache.nifi.processor.util.StandardValidators;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Loads files of changes into Snowflake's tables. The native core validates, uploads, loads and merges; this class routes the result. */
@InputRequirement(InputRequirement.Requirement.INPUT_REQUIRED)
@Tags({"snowflake", "snowpipe", "merge", "upsert", "cdc", "change data capture", "scd", "history", "csv", "json", "debezium", "s3", "firn"})
@CapabilityDescription("""
        Loads files of changes (CSV, JSON lines or Debezium events) into Snowflake: validates them against a contract, uploads them to the \
        stage, copies them into the staging table, and merges them into a current table and a complete history (SCD type 2). FlowFiles may be \
        plain or compressed (gzip, zstd, bzip2, xz, zip). Files and rows may arrive in any order. Processing the same FlowFile again, also \
        after a crash, changes nothing.""")
@UseCase(
        description = "Merge files of changes into a current table and its history, and get the row counts of each file at once",
        keywords = {"merge", "upsert", "synchronous"},
        configuration = """
                Set "Load Strategy" to "Copy and Merge". Route rejected to a folder that is monitored, and retry back to this processor.
                """)
@UseCase(
        description = "Upload files for Snowpipe and the merge task, at the lowest cost",
        keywords = {"snowpipe", "asynchronous", "auto-ingest"},
        configuration = """
                Set "Load Strategy" to "Snowpipe". The bucket's event notification starts the pipe; the task merges the rows.
                Set it to "Snowpipe, Awaited" if the next processors need the rows to be in the history.
                """)
@ReadsAttribute(attribute = "filename", description = "The staged file is named after it and the hash of the content")
@WritesAttributes({
    @WritesAttribute(attribute = "firn.source.files", description = "Path of the staged file, as in the column source_file;"
            + " comma-separated paths if the FlowFile was larger than 512 MiB and was split into several files"),
    @WritesAttribute(attribute = "record.count", description = "On success: rows read from the FlowFile. On rejected: malformed rows in it"),
    @WritesAttribute(attribute = "firn.rows.read", description = "Rows read from the FlowFile"),
    @WritesAttribute(attribute = "firn.rows.malformed", description = "Malformed rows: rows that do not match the contract"),
    @WritesAttribute(attribute = "firn.rows.in", description = "Rows merged: the sum of history, duplicates and rejects"),
    @WritesAttribute(attribute = "firn.rows.history", description = "Events added to the history"),
    @WritesAttribute(attribute = "firn.rows.duplicates", description = "Duplicate rows, already in the history"),
    @WritesAttribute(attribute = "firn.rows.rejects", description = "Rejected rows, now in the rejects table"),
    @WritesAttribute(attribute = "firn.rows.inserted", description = "Rows that this file inserted into the current table"),
    @WritesAttribute(attribute = "firn.rows.updated", description = "Rows that this file updated in the current table"),
    @WritesAttribute(attribute = "firn.rows.deleted", description = "Rows that this file deleted from the current table"),
    @WritesAttribute(attribute = "firn.latency.millis", description = "Milliseconds from the start of the upload to the end of the merge"),
    @WritesAttribute(attribute = "firn.error", description = "On retry and failure: what is wrong and how to fix it")
})
@SeeAlso(GenerateCustomerCsv.class)
public final class PutSnowflakeMerge extends AbstractProcessor implements VerifiableProcessor {

    static final PropertyDescriptor LOAD_STRATEGY = new PropertyDescriptor.Builder()
            .name("Load Strategy")
            .description("How the rows get from the stage into the tables, and when the FlowFile leaves.")
            .required(true)
            .allowableValues(LoadStrategy.class)
            .defaultValue(LoadStrategy.COPY_AND_MERGE)
            .build();

    static final PropertyDescriptor MAX_FLOWFILES_PER_LOAD = new PropertyDescriptor.Builder()
            .name("Max FlowFiles per Load")
            .description("Maximum number of waiting FlowFiles that are merged together. Each merge has a fixed cost, "
                    + "so it is cheaper to merge small files together.")
            .required(true)
            .defaultValue("50")
            .addValidator(StandardValidators.createLongValidator(1, 1000, true))
            .build();

    static final PropertyDescriptor LOAD_TIMEOUT = new PropertyDescriptor.Builder()
            .name("Load Timeout")
            .description("Maximum time for one load; then its FlowFiles go to retry. FlowFiles of several gigabytes need more than the default.")
            .required(true)
            .defaultValue("5 mins")
            .addValidator(StandardValidators.createTimePeriodValidator(1, TimeUnit.SECONDS, 1, TimeUnit.DAYS))
            .build();

    static final Relationship SUCCESS = relationship("success", "Files whose rows are in the tables (with Snowpipe: in the bucket)");
    static final Relationship REJECTED = relationship("rejected", "CSV of the malformed rows: row, line, column, reason, raw text. "
            + "The same rows are in the rejects table; the FlowFile itself goes to success");
    static final Relationship RETRY = relationship("retry", "Files to retry unchanged: a network error, a busy service, a timeout");
    static final Relationship FAILURE = relationship("failure",
            "Files that cannot be loaded until the file or the setup is fixed; firn.error says how");

    private static final String ERROR = "firn.error";
    private static final Duration VERIFY_TIMEOUT = Duration.ofSeconds(30);
    private static final List<PropertyDescriptor> PROPERTIES = Stream.concat(LoaderProperties.ALL.stream(),
            Stream.of(LOAD_STRATEGY, MAX_FLOWFILES_PER_LOAD, LOAD_TIMEOUT)).toList();

    private volatile NativeLoader loader;
    private volatile String accountUrl;
    private volatile String bucket;
    /** What a table's name is appended to in provenance. */
    private volatile String schemaUri;

    private static Relationship relationship(final String name, final String description) {
        return new Relationship.Builder().name(name).description(description).build();
    }

    @Override
    protected List<PropertyDescriptor> getSupportedPropertyDescriptors() {
        return PROPERTIES;
    }

    @Override
    public Set<Relationship> getRelationships() {
        return Set.of(SUCCESS, REJECTED, RETRY, FAILURE);
    }

    @Override
    protected Collection<ValidationResult> customValidate(final ValidationContext context) {
        final boolean isWhole = context.getProperty(LoaderProperties.ACCESS_KEY_ID).isSet()
                == context.getProperty(LoaderProperties.SECRET_ACCESS_KEY).isSet();
        return List.of(new ValidationResult.Builder().subject("Access Key ID and Secret Access Key").valid(isWhole)
                .explanation("set both, or neither for the default chain").build());
    }

    @OnScheduled
    public void open(final ProcessContext context) {
        accountUrl = LoaderProperties.valueOf(context, LoaderProperties.ACCOUNT_URL);
        bucket = LoaderProperties.valueOf(context, LoaderProperties.BUCKET);
        schemaUri = "snowflake://%s/%s/%s/".formatted(URI.create(accountUrl).getHost(),
                LoaderProperties.valueOf(context, LoaderProperties.DATABASE), LoaderProperties.valueOf(context, LoaderProperties.SCHEMA));
        loader = NativeLoader.open(LoaderProperties.settingsOf(context));
    }

    @OnStopped
    public void close() {
        if (loader != null) {
            loader.close();
            loader = null;
        }
    }

    @Override
    public void onTrigger(final ProcessContext context, final ProcessSession session) throws ProcessException {
        final List<FlowFile> flowFiles = session.get(context.getProperty(MAX_FLOWFILES_PER_LOAD).asInteger());
        if (flowFiles.isEmpty()) {
            return;
        }
        final Duration timeout = Duration.ofMillis(context.getProperty(LOAD_TIMEOUT).asTimePeriod(TimeUnit.MILLISECONDS));
        try (FlowFileContents contents = new FlowFileContents(session, flowFiles, () -> !isScheduled())) {
            final LoadStrategy strategy = context.getProperty(LOAD_STRATEGY).asAllowableValue(LoadStrategy.class);
            final List<Outcome> outcomes = loader.put(contents.inputs(), contents, strategy.mode(), timeout);
            contents.finish();
            final Map<String, List<FlowFile>> failures = new LinkedHashMap<>();
            for (int i = 0; i < outcomes.size(); i++) {
                final Failed failed = outcomes.get(i).failed();
                if (failed == null) {
                    succeed(session, flowFiles.get(i), contents.rejectedOf(i), outcomes.get(i).loaded());
                } else {
                    fail(context, session, flowFiles.get(i), contents.rejectedOf(i), failed);
                    failures.computeIfAbsent(failed.message(), message -> new ArrayList<>()).add(flowFiles.get(i));
                }
            }
            // One bulletin for each cause, and not for each FlowFile.
            failures.forEach((message, failed) -> getLogger().error("Load of {} into {} failed: {}",
                    failed.size() == 1 ? failed.getFirst() : failed.size() + " FlowFiles", accountUrl, message));
        } catch (final CoreException e) {
            if (isScheduled()) {
                throw new ProcessException(e.getMessage(), e);
            }
            getLogger().info("Stopped during a load: its {} FlowFiles stay in the queue, and loading them again changes nothing", flowFiles.size());
            session.rollback();
        } catch (final IOException e) {
            throw new ProcessException("cannot read or write the content of a FlowFile: " + e.getMessage(), e);
        }
    }

    private static void fail(final ProcessContext context, final ProcessSession session, final FlowFile flowFile, final FlowFile rejected,
            final Failed failed) {
        if (rejected != null) {
            session.remove(rejected);
        }
        final boolean isTransient = failed.kind() == CoreException.Kind.TRANSIENT;
        session.transfer(session.penalize(session.putAttribute(flowFile, ERROR, failed.message())), isTransient ? RETRY : FAILURE);
        if (isTransient) {
            context.yield();
        }
    }

    private void succeed(final ProcessSession session, final FlowFile flowFile, final FlowFile rejected, final Loaded loaded) {
        if (rejected != null) {
            final Map<String, String> attributes = Map.of(
                    CoreAttributes.FILENAME.key(), "rejected-" + flowFile.getAttribute(CoreAttributes.FILENAME.key()),
                    CoreAttributes.MIME_TYPE.key(), "text/csv",
                    "record.count", Long.toString(loaded.malformed()));
            session.transfer(session.putAllAttributes(rejected, attributes), REJECTED);
        }
        // A FlowFile that was retried carries the error of its last load.
        final FlowFile success = session.putAllAttributes(session.removeAttribute(flowFile, ERROR), attributesOf(loaded));
        for (final String object : loaded.sourceFiles()) {
            session.getProvenanceReporter().send(success, "s3://" + bucket + "/" + object, loaded.uploadMillis());
        }
        session.adjustCounter("Malformed Rows", loaded.malformed(), false);
        if (loaded.counts() != null) {
            session.getProvenanceReporter().send(success, schemaUri + loaded.table(), loaded.loadMillis());
            session.adjustCounter("History Rows", loaded.counts().history(), false);
            session.adjustCounter("Duplicate Rows", loaded.counts().duplicates(), false);
            session.adjustCounter("Rejected Rows", loaded.counts().rejects(), false);
        }
        session.transfer(success, SUCCESS);
    }

    private static Map<String, String> attributesOf(final Loaded loaded) {
        final Map<String, String> attributes = new HashMap<>();
        attributes.put("record.count", Long.toString(loaded.rowsRead()));
        attributes.put("firn.source.files", String.join(",", loaded.sourceFiles()));
        attributes.put("firn.latency.millis", Long.toString(loaded.uploadMillis() + loaded.loadMillis()));
        attributes.put("firn.rows.read", Long.toString(loaded.rowsRead()));
        attributes.put("firn.rows.malformed", Long.toString(loaded.malformed()));
        if (loaded.counts() != null) {
            attributes.put("firn.rows.in", Long.toString(loaded.counts().rowsIn()));
            attributes.put("firn.rows.history", Long.toString(loaded.counts().history()));
            attributes.put("firn.rows.duplicates", Long.toString(loaded.counts().duplicates()));
            attributes.put("firn.rows.rejects", Long.toString(loaded.counts().rejects()));
            attributes.put("firn.rows.inserted", Long.toString(loaded.counts().inserted()));
            attributes.put("firn.rows.updated", Long.toString(loaded.counts().updated()));
            attributes.put("firn.rows.deleted", Long.toString(loaded.counts().deleted()));
        }
        return attributes;
    }

    @Override
    public List<ConfigVerificationResult> verify(final ProcessContext context, final ComponentLog log, final Map<String, String> attributes) {
        final List<ConfigVerificationResult> results = new ArrayList<>();
        String step = "Load native library";
        try {
            results.add(VerificationStep.passed(step, "version " + FirnLibrary.loadedVersion()));
            step = "Read settings";
            try (NativeLoader session = NativeLoader.open(LoaderProperties.settingsOf(context))) {
                results.add(VerificationStep.passed(step, "contract, key and stage are valid"));
                step = "Check connection";
                for (final Finding finding : session.verify(VERIFY_TIMEOUT)) {
                    results.add(finding.problem() == null
                            ? VerificationStep.passed("Check " + finding.check(), finding.detail())
                            : VerificationStep.failed("Check " + finding.check(), finding.problem()));
                }
            }
        } catch (final CoreException e) {
            results.add(VerificationStep.failed(step, e.getMessage()));
        }
        return results;
    }
}
