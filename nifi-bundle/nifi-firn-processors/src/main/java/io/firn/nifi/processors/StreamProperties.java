package io.firn.nifi.processors;

import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.components.ValidationContext;
import org.apache.nifi.components.ValidationResult;
import org.apache.nifi.components.Validator;
import org.apache.nifi.context.PropertyContext;
import org.apache.nifi.expression.ExpressionLanguageScope;
import org.apache.nifi.processor.util.StandardValidators;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The properties that say what a generated stream holds, and their translation to the core's options. Equal options, equal bytes. */
final class StreamProperties {

    static final PropertyDescriptor SEED = number("Seed", "1",
            "Another seed, other customers. The same seed with the same properties gives the same bytes, on every machine.",
            StandardValidators.NON_NEGATIVE_INTEGER_VALIDATOR);

    static final PropertyDescriptor LOCALES = new PropertyDescriptor.Builder()
            .name("Locales")
            .description("Where customers come from, equally often: some of us, de, fr, es, br, jp, separated by commas.")
            .required(true)
            .defaultValue("us")
            .addValidator(StandardValidators.NON_EMPTY_VALIDATOR)
            .expressionLanguageSupported(ExpressionLanguageScope.ENVIRONMENT)
            .build();

    static final PropertyDescriptor MAX_ROWS_PER_FLOWFILE = number("Max Rows per FlowFile", "100000",
            "Events in a FlowFile, before late and doubled rows, which the mischief properties add. The last FlowFile of a stream may hold fewer.",
            StandardValidators.POSITIVE_LONG_VALIDATOR);

    static final PropertyDescriptor INITIAL_CUSTOMERS = number("Initial Customers", "100",
            "The stream's first events are inserts, this many. The ratios below hold for the events after them.",
            StandardValidators.NON_NEGATIVE_INTEGER_VALIDATOR);

    static final PropertyDescriptor UPDATE_RATIO = ratio("Update Ratio", "0.3",
            "The share of updates: a move, a marriage, another email. Updates hit living customers only and carry the whole new row.");

    static final PropertyDescriptor DELETE_RATIO = ratio("Delete Ratio", "0.05",
            "The share of deletes. What updates and deletes leave is inserts.");

    static final PropertyDescriptor RETURN_RATIO = ratio("Return Ratio", "0.05",
            "The share of inserts that bring back a customer who was deleted before.");

    static final PropertyDescriptor FIRST_CUSTOMER_ID = number("First Customer ID", "1",
            "Newcomers count up from here. Streams whose ranges do not overlap have no customer in common.",
            StandardValidators.POSITIVE_LONG_VALIDATOR);

    static final PropertyDescriptor START_TIME = new PropertyDescriptor.Builder()
            .name("Start Time")
            .description("The first event's updated_at, in UTC, such as 2026-01-01T00:00:00Z. The generator reads no clock.")
            .required(true)
            .defaultValue("2026-01-01T00:00:00Z")
            .addValidator(StreamProperties::isInstant)
            .expressionLanguageSupported(ExpressionLanguageScope.ENVIRONMENT)
            .build();

    static final PropertyDescriptor MEAN_INTERVAL = new PropertyDescriptor.Builder()
            .name("Mean Interval")
            .description("The mean time from one event's updated_at to the next one's. It has nothing to do with how fast rows are made.")
            .required(true)
            .defaultValue("100 millis")
            .addValidator(StandardValidators.TIME_PERIOD_VALIDATOR)
            .expressionLanguageSupported(ExpressionLanguageScope.ENVIRONMENT)
            .build();

    static final PropertyDescriptor LATE_RATIO = ratio("Late Ratio", "0",
            "Mischief: the share of events that arrive in one of the next three FlowFiles.");

    static final PropertyDescriptor DUPLICATE_RATIO = ratio("Duplicate Ratio", "0",
            "Mischief: the share of rows that are written twice.");

    static final PropertyDescriptor SAME_KEY_RATIO = ratio("Same Key Ratio", "0",
            "Mischief: the share of events that change the customer of the event before once more, in the same FlowFile.");

    static final PropertyDescriptor DIRTY_RATIO = ratio("Dirty Ratio", "0",
            "Mischief: broken rows as a share of events. Each is a broken copy beside the sound row, so no event is missing.");

    static final List<PropertyDescriptor> ALL = List.of(SEED, LOCALES, MAX_ROWS_PER_FLOWFILE, INITIAL_CUSTOMERS, UPDATE_RATIO, DELETE_RATIO,
            RETURN_RATIO, FIRST_CUSTOMER_ID, START_TIME, MEAN_INTERVAL, LATE_RATIO, DUPLICATE_RATIO, SAME_KEY_RATIO, DIRTY_RATIO);

    private StreamProperties() {
    }

    /** The core's options, in an order that never changes. */
    static Map<String, Object> optionsOf(final PropertyContext context) {
        final Map<String, Object> options = new LinkedHashMap<>();
        options.put("seed", longOf(context, SEED));
        options.put("locales", Arrays.stream(textOf(context, LOCALES).split(",")).map(String::strip).filter(locale -> !locale.isEmpty()).toList());
        options.put("rows_per_file", longOf(context, MAX_ROWS_PER_FLOWFILE));
        options.put("initial", longOf(context, INITIAL_CUSTOMERS));
        options.put("updates", doubleOf(context, UPDATE_RATIO));
        options.put("deletes", doubleOf(context, DELETE_RATIO));
        options.put("returns", doubleOf(context, RETURN_RATIO));
        options.put("first_customer_id", longOf(context, FIRST_CUSTOMER_ID));
        options.put("start_micros", ChronoUnit.MICROS.between(Instant.EPOCH, Instant.parse(textOf(context, START_TIME))));
        options.put("gap_micros", context.getProperty(MEAN_INTERVAL).evaluateAttributeExpressions().asTimePeriod(TimeUnit.MICROSECONDS));
        options.put("late", doubleOf(context, LATE_RATIO));
        options.put("duplicates", doubleOf(context, DUPLICATE_RATIO));
        options.put("same_key", doubleOf(context, SAME_KEY_RATIO));
        options.put("dirty", doubleOf(context, DIRTY_RATIO));
        return options;
    }

    /** Equal for equal streams, so that a state is used for the stream that it belongs to only. */
    static String fingerprint(final Map<String, Object> options) {
        try {
            final byte[] digest = MessageDigest.getInstance("SHA-256").digest(options.toString().getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 8);
        } catch (final NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static PropertyDescriptor number(final String name, final String defaultValue, final String description, final Validator validator) {
        return new PropertyDescriptor.Builder()
                .name(name)
                .description(description)
                .required(true)
                .defaultValue(defaultValue)
                .addValidator(validator)
                .expressionLanguageSupported(ExpressionLanguageScope.ENVIRONMENT)
                .build();
    }

    private static PropertyDescriptor ratio(final String name, final String defaultValue, final String description) {
        return number(name, defaultValue, description + " From 0 to 1.", StreamProperties::isRatio);
    }

    private static ValidationResult isRatio(final String subject, final String input, final ValidationContext context) {
        final String value = context.newPropertyValue(input).evaluateAttributeExpressions().getValue();
        boolean valid;
        try {
            final double ratio = Double.parseDouble(value);
            valid = ratio >= 0 && ratio <= 1;
        } catch (final NumberFormatException e) {
            valid = false;
        }
        return new ValidationResult.Builder().subject(subject).input(input).valid(valid)
                .explanation("it is a share from 0 to 1, such as 0.1").build();
    }

    private static ValidationResult isInstant(final String subject, final String input, final ValidationContext context) {
        boolean valid = true;
        try {
            Instant.parse(context.newPropertyValue(input).evaluateAttributeExpressions().getValue());
        } catch (final DateTimeParseException e) {
            valid = false;
        }
        return new ValidationResult.Builder().subject(subject).input(input).valid(valid)
                .explanation("it is a time in UTC, such as 2026-01-01T00:00:00Z").build();
    }

    private static String textOf(final PropertyContext context, final PropertyDescriptor property) {
        return context.getProperty(property).evaluateAttributeExpressions().getValue();
    }

    private static Long longOf(final PropertyContext context, final PropertyDescriptor property) {
        return context.getProperty(property).evaluateAttributeExpressions().asLong();
    }

    private static Double doubleOf(final PropertyContext context, final PropertyDescriptor property) {
        return context.getProperty(property).evaluateAttributeExpressions().asDouble();
    }
}
