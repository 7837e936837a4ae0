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
import org.apache.nifi.migration.PropertyConfiguration;
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
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** A source of customer changes as CSV. The native core generates the bytes; this class schedules it, and stores the position of the stream. */
@PrimaryNodeOnly
@TriggerSerially
@InputRequirement(InputRequirement.Requirement.INPUT_FORBIDDEN)
@DefaultSchedule(strategy = SchedulingStrategy.TIMER_DRIVEN, period = "1 sec")
@Tags({"generate", "customer", "csv", "cdc", "change data capture", "test", "seed", "load", "firn"})
@CapabilityDescription("""
        Generates a stream of customer changes as CSV: first inserts, then a mix of inserts, updates and deletes. \
        Updates and deletes refer to existing customers only; names, cities, postal codes and telephone numbers match each other. \
        The same properties give the same bytes on every machine. The stream resumes exactly where it stopped, even after a crash. \
        It can add late, duplicate and malformed rows to test a pipeline.""")
@UseCase(
        description = "Feed a pipeline with a steady, repeatable stream of customer changes",
        keywords = {"generate", "customer", "steady"},
        configuration = """
                Set "Rows per Second" to the rate, and "Max Rows per FlowFile" to the number of rows of a FlowFile.
                Leave "Total Rows" empty for a stream without end.
                """)
@UseCase(
        description = "Load-test a flow with as many rows as the machine can write",
        keywords = {"benchmark", "load test"},
        configuration = """
                Leave "Rows per Second" empty, set "Max Rows per FlowFile" to 100000 or more and the Run Schedule to 0 sec.
                Set "Total Rows" to the number of rows. Back pressure on the outgoing connection slows the generator down.
                """)
@UseCase(
        description = "Test a pipeline with late, duplicate and malformed rows",
        keywords = {"fault injection", "late", "duplicate", "malformed"},
        configuration = """
                Set "Late Fraction", "Duplicate Fraction", "Same Key Fraction" and "Malformed Fraction" to small values, such as 0.01.
                The attributes firn.late, firn.duplicates and firn.malformed count these rows in each FlowFile.
                """)
@WritesAttributes({
    @WritesAttribute(attribute = "record.count", description = "Rows of the FlowFile, without the header"),
    @WritesAttribute(attribute = "mime.type", description = "text/csv"),
    @WritesAttribute(attribute = "filename", description = "customer-SEED-SEQUENCE.csv, the same for the same content"),
    @WritesAttribute(attribute = "firn.first.sequence", description = "Sequence number of the first event of the FlowFile"),
    @WritesAttribute(attribute = "firn.next.sequence", description = "Sequence number of the first event of the next FlowFile"),
    @WritesAttribute(attribute = "firn.inserts", description = "Events that are inserts"),
    @WritesAttribute(attribute = "firn.updates", description = "Events that are updates"),
    @WritesAttribute(attribute = "firn.deletes", description = "Events that are deletes"),
    @WritesAttribute(attribute = "firn.late", description = "Events delayed to a later FlowFile"),
    @WritesAttribute(attribute = "firn.duplicates", description = "Duplicate rows, one in four of them in the next FlowFile"),
    @WritesAttribute(attribute = "firn.malformed", description = "Malformed rows, each added beside a valid row")
})
@Stateful(scopes = Scope.CLUSTER, description = """
        The options of the stream and its position. After a restart, or on another primary node, the stream resumes there. \
        Clear the state to start the stream again; a change of a property that shapes the stream starts a new one.""")
@SystemResourceConsideration(resource = SystemResource.MEMORY, description = "Outside the Java heap: 8 bytes for each living customer")
@SystemResourceConsideration(resource = SystemResource.DISK, description = "If \"Rows per Second\" is empty, it writes as fast as the disk allows")
@SeeAlso(PutSnowflakeMerge.class)
public final class GenerateCustomerCsv extends AbstractProcessor implements VerifiableProcessor {

    static final PropertyDescriptor ROWS_PER_SECOND = new PropertyDescriptor.Builder()
            .name("Rows per Second")
            .description("Average number of rows per second since the start of the processor; no limit if empty. "
                    + "A FlowFile is sent when all its rows are due.")
            .required(false)
            .addValidator(StandardValidators.POSITIVE_LONG_VALIDATOR)
            .expressionLanguageSupported(ExpressionLanguageScope.ENVIRONMENT)
            .build();

    static final PropertyDescriptor TOTAL_ROWS = new PropertyDescriptor.Builder()
            .name("Total Rows")
            .description("Number of events after which the stream ends; no end if empty. "
                    + "Counted from the beginning of the stream, not from the last start.")
            .required(false)
            .addValidator(StandardValidators.POSITIVE_LONG_VALIDATOR)
            .expressionLanguageSupported(ExpressionLanguageScope.ENVIRONMENT)
            .build();

    static final Relationship SUCCESS = new Relationship.Builder()
            .name("success")
            .description("CSV files of customer changes, in the order of the stream")
            .build();

    private static final List<PropertyDescriptor> PROPERTIES = Stream.concat(
            Stream.of(ROWS_PER_SECOND, TOTAL_ROWS), StreamProperties.ALL.stream()).toList();

    private volatile Map<String, Object> options;
    private volatile Long totalRows;
    private volatile RateLimiter rateLimiter;
    private volatile NativeGenerator generator;
    /** The position of the native generator; compared with the position in the state. */
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
            NativeGenerator.checked(StreamProperties.optionsOf(context));
            return List.of();
        } catch (final CoreException e) {
            return List.of(new ValidationResult.Builder().subject("Properties of the stream").valid(false).explanation(e.getMessage()).build());
        }
    }

    @Override
    public void migrateProperties(final PropertyConfiguration config) {
        StreamProperties.migrate(config);
    }

    @OnScheduled
    public void open(final ProcessContext context) {
        options = NativeGenerator.checked(StreamProperties.optionsOf(context));
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
        if (!rateLimiter.isDue(((Number) options.get("rows_per_file")).longValue())) {
            context.yield();
            return;
        }
        try {
            seek(positionOf(session.getState(Scope.CLUSTER)));
            // Unknown until the file is written: if that fails, the next trigger seeks.
            position = null;
            if (!generator.nextFile()) {
                getLogger().debug("The stream has ended after {} rows", totalRows);
                context.yield();
                return;
            }
            emit(session);
        } catch (final IOException e) {
            throw new ProcessException("the state of the stream cannot be read or written", e);
        } catch (final CoreException e) {
            close();
            throw new ProcessException(e.getMessage(), e);
        }
    }

    /** Moves the native generator to the position of the state: after a restart, a rollback, or when another node was primary. */
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
        // The generator is ahead of the state now; if this session is rolled back, the next trigger seeks.
        position = report.position();
        flowFile = session.putAllAttributes(flowFile, attributesOf(report));
        session.getProvenanceReporter().create(flowFile, "%d rows from sequence %d".formatted(report.rows(), report.firstSequence()));
        session.transfer(flowFile, SUCCESS);
        session.setState(StreamState.of(options, report.position()), Scope.CLUSTER);
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
        attributes.put("firn.malformed", Long.toString(report.malformed()));
        return attributes;
    }

    private Position positionOf(final StateMap state) {
        final String nextSequence = state.get(StreamState.NEXT_SEQUENCE);
        if (nextSequence == null) {
            return Position.START;
        }
        if (!StreamState.belongsTo(state, options)) {
            getLogger().warn("Properties of the stream changed: starting a new stream; the previous one had reached sequence {}", nextSequence);
            return Position.START;
        }
        return StreamState.positionIn(state);
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

    /** A step of the verification; NiFi shows its result. */
    private interface Step {
        String run() throws IOException;
    }

    /** Counts bytes and discards them. */
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
