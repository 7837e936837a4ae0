package io.firn.nifi.processors;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.firn.nifi.core.CoreException;
import io.firn.nifi.core.NativeGenerator;
import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.components.ValidationResult;
import org.apache.nifi.components.Validator;
import org.apache.nifi.context.PropertyContext;
import org.apache.nifi.expression.ExpressionLanguageScope;
import org.apache.nifi.migration.PropertyConfiguration;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The properties of a generated stream: one for each entry of the core's option table, which also checks their values. */
final class StreamProperties {

    /** Rendered from the option table; a test of the core compares both. */
    private static final String TABLE = "generator-options.json";

    private static final List<Entry> ENTRIES = entries();

    static final List<PropertyDescriptor> ALL = ENTRIES.stream().map(StreamProperties::descriptor).toList();

    private StreamProperties() {
    }

    /** An option of the core, and the property for it. */
    private record Entry(
            String option,
            String name,
            List<String> formerly,
            @JsonProperty("default") String defaultValue,
            String description) {
    }

    /** The core's options as text, in a fixed order. */
    static Map<String, Object> optionsOf(final PropertyContext context) {
        final Map<String, Object> options = new LinkedHashMap<>();
        for (int i = 0; i < ENTRIES.size(); i++) {
            options.put(ENTRIES.get(i).option(), context.getProperty(ALL.get(i)).evaluateAttributeExpressions().getValue());
        }
        return options;
    }

    /** Renames properties of earlier versions to their current names. */
    static void migrate(final PropertyConfiguration configuration) {
        for (final Entry entry : ENTRIES) {
            entry.formerly().forEach(former -> configuration.renameProperty(former, entry.name()));
        }
    }

    private static List<Entry> entries() {
        try (InputStream table = StreamProperties.class.getResourceAsStream(TABLE)) {
            return JsonMapper.builder().build().readValue(table, new TypeReference<>() { });
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static PropertyDescriptor descriptor(final Entry entry) {
        return new PropertyDescriptor.Builder()
                .name(entry.name())
                .description(entry.description())
                .required(true)
                .defaultValue(entry.defaultValue())
                .addValidator(validator(entry.option()))
                .expressionLanguageSupported(ExpressionLanguageScope.ENVIRONMENT)
                .build();
    }

    private static Validator validator(final String option) {
        return (subject, input, context) -> {
            final String text = context.newPropertyValue(input).evaluateAttributeExpressions().getValue();
            final ValidationResult.Builder result = new ValidationResult.Builder().subject(subject).input(input);
            try {
                NativeGenerator.checkOption(option, Objects.requireNonNullElse(text, ""));
                return result.valid(true).build();
            } catch (final CoreException e) {
                return result.valid(false).explanation(e.getMessage()).build();
            }
        };
    }
}
