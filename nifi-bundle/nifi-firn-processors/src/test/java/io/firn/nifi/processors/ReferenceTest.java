package io.firn.nifi.processors;

import org.apache.nifi.annotation.behavior.ReadsAttribute;
import org.apache.nifi.annotation.behavior.Stateful;
import org.apache.nifi.annotation.behavior.SystemResourceConsideration;
import org.apache.nifi.annotation.behavior.WritesAttribute;
import org.apache.nifi.annotation.behavior.WritesAttributes;
import org.apache.nifi.annotation.documentation.CapabilityDescription;
import org.apache.nifi.annotation.documentation.UseCase;
import org.apache.nifi.components.AllowableValue;
import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.processor.AbstractProcessor;
import org.apache.nifi.processor.Relationship;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

import static org.junit.jupiter.api.Assertions.assertEquals;

/** The reference page on the processors, rendered from their descriptors: compared here, and written with FIRN_UPDATE_DOCS=1. */
class ReferenceTest {

    private static final Path PAGE = Path.of("../../docs/reference/nifi.md");
    private static final String HEAD = """
            # NiFi processors

            <!-- Rendered from the processors by ReferenceTest.java: do not edit. To update: make docs-update -->

            [The tutorial](../tutorials/nifi.md) shows the two in a flow. Properties with EL take NiFi's Expression Language over the environment.
            """;

    private final StringBuilder page = new StringBuilder(HEAD);

    @Test
    void theReferencePageMatchesTheDescriptors() throws IOException {
        render(new PutSnowflakeMerge());
        render(new GenerateCustomerCsv());
        if (System.getenv("FIRN_UPDATE_DOCS") != null) {
            Files.writeString(PAGE, page);
        }
        assertEquals(page.toString(), Files.readString(PAGE), "docs/reference/nifi.md is not the rendering: make docs-update");
    }

    private void render(final AbstractProcessor processor) {
        final Class<?> type = processor.getClass();
        section("## " + type.getSimpleName(), type.getAnnotation(CapabilityDescription.class).value());
        section("### Use cases of " + type.getSimpleName());
        for (final UseCase useCase : type.getAnnotationsByType(UseCase.class)) {
            section("**" + useCase.description() + ".** " + useCase.configuration());
        }
        section("### Properties of " + type.getSimpleName());
        table("property", "default", "what it does");
        processor.getPropertyDescriptors().forEach(this::property);
        section("### Relationships of " + type.getSimpleName());
        table("relationship", "holds");
        processor.getRelationships().stream().sorted(Comparator.comparing(Relationship::getName))
                .forEach(relationship -> row("`" + relationship.getName() + "`", relationship.getDescription()));
        section("### Attributes of " + type.getSimpleName());
        table("attribute", "value");
        for (final ReadsAttribute attribute : type.getAnnotationsByType(ReadsAttribute.class)) {
            row("`" + attribute.attribute() + "`, read", attribute.description());
        }
        for (final WritesAttribute attribute : type.getAnnotation(WritesAttributes.class).value()) {
            row("`" + attribute.attribute() + "`", attribute.description());
        }
        section("### State and resources of " + type.getSimpleName());
        for (final Stateful state : type.getAnnotationsByType(Stateful.class)) {
            section("State: " + state.description());
        }
        for (final SystemResourceConsideration resource : type.getAnnotationsByType(SystemResourceConsideration.class)) {
            section(resource.resource() + ": " + resource.description());
        }
    }

    private static String choice(final AllowableValue value) {
        final String description = value.getDescription();
        return "`%s`".formatted(value.getDisplayName()) + (description == null ? "" : " (%s)".formatted(description));
    }

    private void property(final PropertyDescriptor property) {
        final List<String> notes = new ArrayList<>(List.of(property.getDescription().replaceFirst("[.]?$", ".")));
        if (property.getAllowableValues() != null) {
            notes.add(property.getAllowableValues().stream().map(ReferenceTest::choice).collect(Collectors.joining(", ", "One of ", ".")));
        }
        if (property.isExpressionLanguageSupported()) {
            notes.add("EL.");
        }
        if (property.isSensitive()) {
            notes.add("Sensitive.");
        }
        if (!property.getDependencies().isEmpty()) {
            notes.add(property.getDependencies().stream().map(one -> "`" + one.getPropertyName() + "`")
                    .collect(Collectors.joining(", ", "Depends on ", ".")));
        }
        final String value = property.getDefaultValue() == null ? property.isRequired() ? "required" : "" : "`" + property.getDefaultValue() + "`";
        row("**" + property.getDisplayName() + "**", value, String.join(" ", notes));
    }

    private void section(final String... paragraphs) {
        for (final String paragraph : paragraphs) {
            page.append('\n').append(paragraph.strip()).append('\n');
        }
    }

    private void table(final String... names) {
        page.append('\n');
        row(names);
        page.append("| --- ".repeat(names.length)).append("|\n");
    }

    private void row(final String... cells) {
        for (final String cell : cells) {
            page.append("| ").append(cell.replace("|", "\\|")).append(cell.isEmpty() ? "" : " ");
        }
        page.append("|\n");
    }
}
