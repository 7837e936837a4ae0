package io.firn.nifi.processors;

import io.firn.nifi.core.CoreException;
import io.firn.nifi.core.FirnLibrary;
import io.firn.nifi.core.NativeGenerator;
import io.firn.nifi.core.NativeGenerator.FileReport;
import io.firn.nifi.core.NativeGenerator.Position;
import org.apache.nifi.annotation.behavior.InputRequirement;
import org.apache.nifi.annotation.behavior.PrimaryNodeOnly;
import org.apache.nifi.annotation.behavior.Stateful;
import org.apache.nifi.annotation.behavior.SystemResource;
import org.apache.nifi.annotation.behavior.SystemResourceConsideration;
import org.apache.nifi.annotation.behavior.TriggerSerially;
import org.apache.nifi.annotation.behavior.WritesAttribute;
import org.apache.nifi.annotation.behavior.WritesAttributes;
import org.apache.nifi.annotation.configuration.DefaultSchedule;
import org.apache.nifi.annotation.documentation.CapabilityDescription;
import org.apache.nifi.annotation.documentation.SeeAlso;
import org.apache.nifi.annotation.documentation.Tags;
import org.apache.nifi.annotation.documentation.UseCase;
import org.apache.nifi.annotation.lifecycle.OnScheduled;
import org.apache.nifi.annotation.lifecycle.OnStopped;
import org.apache.nifi.components.ConfigVerificationResult;
import org.apache.nifi.components.ConfigVerificationResult.Outcome;
import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.components.ValidationContext;
import org.apache.nifi.components.ValidationResult;
import org.apache.nifi.components.state.Scope;
import org.apache.nifi.components.state.StateMap;
import org.apache.nifi.expression.ExpressionLanguageScope;
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
import org.apache.nifi.scheduling.SchedulingStrategy;

import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** A source of customer changes as CSV. The native core makes the bytes; this class schedules it, and remembers where the stream stands. */
@PrimaryNodeOnly
@TriggerSerially
@InputRequirement(InputRequirement.Requirement.INPUT_FORBIDDEN)
@DefaultSchedule(strategy = SchedulingStrategy.TIMER_DRIVEN, period = "1 sec")
@Tags({"generate", "customer", "csv", "cdc", "change data capture", "test", "seed", "load", "firn"})
@CapabilityDescription("""
        Generates a stream of customer changes as CSV: first inserts, then inserts, updates and deletes in the ratios asked for. \
        Updates and deletes refer to living customers only; names, cities, postal codes and telephone numbers fit each other. \
        The same properties give the same bytes on every machine. The stream goes on exactly where it stopped, also after a crash, \
        and can misbehave on request: late, doubled and broken rows.""")
@UseCase(
        description = "Feed a pipeline with a steady, repeatable stream of customer changes",
        keywords = {"generate", "customer", "steady"},
        configuration = """
                Set "Rows per Second" to the rate, and "Max Rows per FlowFile" to the rows that one FlowFile should hold.
                Leave "Total Rows" empty: the stream has no end.
                """)
@UseCase(
        description = "Load-test a flow with as many rows as the machine can write",
        keywords = {"benchmark", "load test"},
        configuration = """
                Leave "Rows per Second" empty, set "Max Rows per FlowFile" to 100000 or more and the Run Schedule to 0 sec.
                Set "Total Rows" to the rows wanted. Back pressure on the outgoing connection holds the generator up.
                """)
@UseCase(
        description = "Rehearse bad days: late, doubled and broken rows",
        keywords = {"chaos", "late", "duplicate", "dirty"},
        configuration = """
                Set "Late Ratio", "Duplicate Ratio", "Same Key Ratio" and "Dirty Ratio" to small shares, such as 0.01.
                The attributes firn.late, firn.duplicates and firn.broken tell what was put into each FlowFile.
                """)
@WritesAttributes({
    @WritesAttribute(attribute = "record.count", description = "The rows of the FlowFile, the header not counted"),
    @WritesAttribute(attribute = "mime.type", description = "text/csv"),
    @WritesAttribute(attribute = "filename", description = "customer-SEED-SEQUENCE.csv, the same for the same content"),
    @WritesAttribute(attribute = "firn.first.sequence", description = "The sequence number that the FlowFile begins with"),
    @WritesAttribute(attribute = "firn.next.sequence", description = "The sequence number that the next FlowFile begins with"),
    @WritesAttribute(attribute = "firn.inserts", description = "Events that are inserts"),
    @WritesAttribute(attribute = "firn.updates", description = "Events that are updates"),
    @WritesAttribute(attribute = "firn.deletes", description = "Events that are deletes"),
    @WritesAttribute(attribute = "firn.late", description = "Events held back for a later FlowFile"),
    @WritesAttribute(attribute = "firn.duplicates", description = "Rows written a second time, one in four of them in the next FlowFile"),
    @WritesAttribute(attribute = "firn.broken", description = "Broken rows, each a copy of a sound one")
})
@Stateful(scopes = Scope.CLUSTER, description = """
        Where the stream stands, and a fingerprint of its properties. A restart, or another primary node, goes on from there. \
        Clear the state to begin the stream again; changing a property that shapes the stream begins a new one.""")
@SystemResourceConsideration(resource = SystemResource.MEMORY, description = "Outside the Java heap: 8 bytes for each living customer")
@SystemResourceConsideration(resource = SystemResource.DISK, description = "Without \"Rows per Second\" it writes as fast as the disk takes it")
@SeeAlso(PutSnowflakeMerge.class)
public final class GenerateCustomerCsv extends AbstractProcessor implements VerifiableProcessor {

    static final PropertyDescriptor ROWS_PER_SECOND = new PropertyDescriptor.Builder()
            .name("Rows per Second")
            .description("How many rows are made in a second on average, since the processor was started; no limit when empty. "
                    + "A FlowFile is emitted when all its rows are due.")
            .required(false)
            .addValidator(StandardValidators.POSITIVE_LONG_VALIDATOR)
            .expressionLanguageSupported(ExpressionLanguageScope.ENVIRONMENT)
            .build();

    static final PropertyDescriptor TOTAL_ROWS = new PropertyDescriptor.Builder()
            .name("Total Rows")
            .description("The stream ends after this many events, late ones included; no end when empty. "
                    + "Counted from the stream's beginning, not from the last start.")
            .required(false)
            .addValidator(StandardValidators.POSITIVE_LONG_VALIDATOR)
            .expressionLanguageSupported(ExpressionLanguageScope.ENVIRONMENT)
            .build();

    static final Relationship SUCCESS = new Relationship.Builder()
            .name("success")
            .description("CSV files of customer changes, in the stream's order")
            .build();

    static final String STATE_STREAM = "stream";
    static final String STATE_NEXT_SEQUENCE = "next.sequence";
    static final String STATE_DELIVERED_BELOW = "delivered.below";

    private static final List<PropertyDescriptor> PROPERTIES = Stream.concat(
            Stream.of(ROWS_PER_SECOND, TOTAL_ROWS), StreamProperties.ALL.stream()).toList();

    private volatile Map<String, Object> options;
    private volatile Long totalRows;
    private volatile RateLimiter rateLimiter;
    private volatile NativeGenerator generator;
    /** What the native generator gives next; what the state says decides. */
    private volatile Position position;

    @Override
    protected List<PropertyDescriptor> getSupportedPropertyDescriptors() {
        return PROPERTIES;
    }

    @Override
    public Set<Relationship> getRelationships() {
        return Set.of(SUCCESS);
    }

    @Override
    protected Collection<ValidationResult> customValidate(final ValidationContext context) {
        try {
            NativeGenerator.check(StreamProperties.optionsOf(context));
            return List.of();
        } catch (final CoreException e) {
            return List.of(new ValidationResult.Builder().subject("Stream").valid(false).explanation(e.getMessage()).build());
        }
    }

    @OnScheduled
    public void open(final ProcessContext context) {
        options = StreamProperties.optionsOf(context);
        totalRows = context.getProperty(TOTAL_ROWS).evaluateAttributeExpressions().asLong();
        rateLimiter = new RateLimiter(context.getProperty(ROWS_PER_SECOND).evaluateAttributeExpressions().asLong());
    }

    @OnStopped
    public void close() {
        if (generator != null) {
            generator.close();
            generator = null;
        }
    }

    @Override
    public void onTrigger(final ProcessContext context, final ProcessSession session) throws ProcessException {
        if (!rateLimiter.isDue((Long) options.get("rows_per_file"))) {
            context.yield();
            return;
        }
        try {
            seek(positionOf(session.getState(Scope.CLUSTER)));
            if (!generator.nextFile()) {
                getLogger().debug("The stream has ended after {} rows", totalRows);
                context.yield();
                return;
            }
            emit(session);
        } catch (final IOException e) {
            throw new ProcessException("state of the stream cannot be read or written", e);
        } catch (final CoreException e) {
            close();
            throw new ProcessException(e.getMessage(), e);
        }
    }

    /** Brings the native generator to where the state says that the stream stands: after a restart, a rollback, or another node's turn. */
    private void seek(final Position wanted) {
        if (generator == null || !wanted.equals(position)) {
            close();
            generator = NativeGenerator.open(options, wanted, totalRows);
            position = wanted;
        }
    }

    private void emit(final ProcessSession session) throws IOException {
        FlowFile flowFile = session.write(session.create(), (final OutputStream out) -> generator.writeTo(out));
        final FileReport report = generator.report();
        // From here on the generator is ahead of the state; if this session is rolled back, the next trigger seeks.
        position = report.position();
        flowFile = session.putAllAttributes(flowFile, attributesOf(report));
        session.getProvenanceReporter().create(flowFile, "%d rows from sequence %d".formatted(report.rows(), report.firstSequence()));
        session.transfer(flowFile, SUCCESS);
        session.setState(stateOf(report.position()), Scope.CLUSTER);
        rateLimiter.emitted(report.rows());
    }

    private Map<String, String> attributesOf(final FileReport report) {
        final Map<String, String> attributes = new HashMap<>();
        attributes.put("record.count", Long.toString(report.rows()));
        attributes.put(CoreAttributes.MIME_TYPE.key(), "text/csv");
        attributes.put(CoreAttributes.FILENAME.key(), "customer-%s-%012d.csv".formatted(options.get("seed"), report.firstSequence()));
        attributes.put("firn.first.sequence", Long.toString(report.firstSequence()));
        attributes.put("firn.next.sequence", Long.toString(report.position().nextSequence()));
        attributes.put("firn.inserts", Long.toString(report.inserts()));
        attributes.put("firn.updates", Long.toString(report.updates()));
        attributes.put("firn.deletes", Long.toString(report.deletes()));
        attributes.put("firn.late", Long.toString(report.late()));
        attributes.put("firn.duplicates", Long.toString(report.duplicates()));
        attributes.put("firn.broken", Long.toString(report.broken()));
        return attributes;
    }

    private Position positionOf(final StateMap state) {
        final String stream = state.get(STATE_STREAM);
        if (stream == null) {
            return Position.START;
        }
        if (!stream.equals(StreamProperties.fingerprint(options))) {
            getLogger().warn("The properties changed: a new stream begins, the old one had reached sequence {}", state.get(STATE_NEXT_SEQUENCE));
            return Position.START;
        }
        return new Position(Long.parseLong(state.get(STATE_NEXT_SEQUENCE)), Long.parseLong(state.get(STATE_DELIVERED_BELOW)));
    }

    private Map<String, String> stateOf(final Position reached) {
        final Map<String, String> state = new LinkedHashMap<>();
        state.put(STATE_STREAM, StreamProperties.fingerprint(options));
        state.put(STATE_NEXT_SEQUENCE, Long.toString(reached.nextSequence()));
        state.put(STATE_DELIVERED_BELOW, Long.toString(reached.deliveredBelow()));
        return state;
    }

    @Override
    public List<ConfigVerificationResult> verify(final ProcessContext context, final ComponentLog log, final Map<String, String> attributes) {
        final List<ConfigVerificationResult> results = new ArrayList<>();
        results.add(step("Load native library", () -> "version " + FirnLibrary.loadedVersion()));
        if (results.getFirst().getOutcome() == Outcome.SUCCESSFUL) {
            results.add(step("Generate a sample", () -> {
                final Map<String, Object> sample = StreamProperties.optionsOf(context);
                sample.put("rows_per_file", 1000);
                try (NativeGenerator stream = NativeGenerator.open(sample, Position.START, null)) {
                    stream.nextFile();
                    final Counter bytes = new Counter();
                    stream.writeTo(bytes);
                    return "%d rows, %d bytes a row".formatted(stream.report().rows(), bytes.count / stream.report().rows());
                }
            }));
        }
        return results;
    }

    private static ConfigVerificationResult step(final String name, final Step step) {
        try {
            return VerificationStep.passed(name, step.run());
        } catch (final CoreException | IOException e) {
            return VerificationStep.failed(name, e.getMessage());
        }
    }

    /** A step of the verification; its answer is what the canvas shows. */
    private interface Step {
        String run() throws IOException;
    }

    /** Counts bytes and keeps none. */
    private static final class Counter extends OutputStream {
        private long count;

        @Override
        public void write(final int oneByte) {
            count++;
        }

        @Override
        public void write(final byte[] bytes, final int offset, final int length) {
            count += length;
        }
    }
}
