package io.firn.nifi.processors;

import org.apache.nifi.annotation.behavior.PrimaryNodeOnly;
import org.apache.nifi.components.ConfigVerificationResult;
import org.apache.nifi.components.ConfigVerificationResult.Outcome;
import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.components.ValidationResult;
import org.apache.nifi.components.state.Scope;
import org.apache.nifi.processor.VerifiableProcessor;
import org.apache.nifi.provenance.ProvenanceEventType;
import org.apache.nifi.util.MockFlowFile;
import org.apache.nifi.util.MockProcessContext;
import org.apache.nifi.util.TestRunner;
import org.apache.nifi.util.TestRunners;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

class GenerateCustomerCsvTest {

    private TestRunner runner;

    @BeforeEach
    void runner() {
        runner = newRunner();
    }

    private static TestRunner newRunner() {
        final TestRunner runner = TestRunners.newTestRunner(GenerateCustomerCsv.class);
        runner.setProperty("Seed", "42");
        runner.setProperty("Max Rows per FlowFile", "1000");
        return runner;
    }

    private static List<String> contents(final TestRunner runner) {
        return runner.getFlowFilesForRelationship(GenerateCustomerCsv.SUCCESS).stream().map(MockFlowFile::getContent).toList();
    }

    @Test
    void theAttributesCountTheRowsOfAFlowFile() {
        runner.run();
        runner.assertAllFlowFilesTransferred(GenerateCustomerCsv.SUCCESS, 1);
        final MockFlowFile flowFile = runner.getFlowFilesForRelationship(GenerateCustomerCsv.SUCCESS).getFirst();
        final List<String> lines = flowFile.getContent().lines().toList();
        assertTrue(lines.getFirst().startsWith("op,customer_id,"));
        flowFile.assertAttributeEquals("record.count", Integer.toString(lines.size() - 1));
        flowFile.assertAttributeEquals("mime.type", "text/csv");
        flowFile.assertAttributeEquals("filename", "customer-42-000000000000.csv");
        flowFile.assertAttributeEquals("firn.first.sequence", "0");
        flowFile.assertAttributeEquals("firn.next.sequence", "1000");
        flowFile.assertAttributeEquals("firn.inserts", Long.toString(lines.stream().filter(line -> line.startsWith("I,")).count()));
        flowFile.assertAttributeEquals("firn.updates", Long.toString(lines.stream().filter(line -> line.startsWith("U,")).count()));
        flowFile.assertAttributeEquals("firn.deletes", Long.toString(lines.stream().filter(line -> line.startsWith("D,")).count()));
        for (final String fault : List.of("firn.late", "firn.duplicates", "firn.malformed")) {
            flowFile.assertAttributeEquals(fault, "0");
        }
        assertEquals(ProvenanceEventType.CREATE, runner.getProvenanceEvents().getFirst().getEventType());
    }

    @Test
    void aRestartResumesWhereTheStreamStopped() throws IOException {
        runner.run(4);
        final TestRunner restarted = newRunner();
        final TestRunner first = newRunner();
        first.run(2);
        restarted.getStateManager().setState(first.getStateManager().getState(Scope.CLUSTER).toMap(), Scope.CLUSTER);
        restarted.run(2);
        final List<String> inTwoRuns = new ArrayList<>(contents(first));
        inTwoRuns.addAll(contents(restarted));
        assertEquals(contents(runner), inTwoRuns);
    }

    @Test
    void theStateDeterminesTheNextFile() throws IOException {
        runner.run(1, false);
        final Map<String, String> afterFirst = runner.getStateManager().getState(Scope.CLUSTER).toMap();
        runner.run(1, false, false);
        // As after a rollback, or when the other node of a cluster was primary for a while.
        runner.getStateManager().setState(afterFirst, Scope.CLUSTER);
        runner.run(1, true, false);
        final List<String> contents = contents(runner);
        assertEquals(contents.get(1), contents.get(2));
    }

    @Test
    void anotherStreamDoesNotUseTheOldState() throws IOException {
        runner.run(3);
        runner.setProperty("Seed", "43");
        runner.run();
        final MockFlowFile last = runner.getFlowFilesForRelationship(GenerateCustomerCsv.SUCCESS).getLast();
        last.assertAttributeEquals("firn.first.sequence", "0");
        assertNotEquals(contents(runner).getFirst(), last.getContent());
        assertEquals("1000", runner.getStateManager().getState(Scope.CLUSTER).get(StreamState.NEXT_SEQUENCE));
    }

    @Test
    void theStreamEndsAfterItsTotal() {
        runner.setProperty(GenerateCustomerCsv.TOTAL_ROWS, "2500");
        runner.run(5);
        runner.assertAllFlowFilesTransferred(GenerateCustomerCsv.SUCCESS, 3);
        runner.getFlowFilesForRelationship(GenerateCustomerCsv.SUCCESS).getLast().assertAttributeEquals("record.count", "500");
    }

    @Test
    void aRateDelaysTheStream() {
        runner.setProperty(GenerateCustomerCsv.ROWS_PER_SECOND, "1");
        runner.run(3);
        runner.assertTransferCount(GenerateCustomerCsv.SUCCESS, 0);
    }

    @Test
    void theAttributesCountTheFaults() {
        runner.setProperty("Late Fraction", "0.1");
        runner.setProperty("Duplicate Fraction", "0.1");
        runner.setProperty("Same Key Fraction", "0.1");
        runner.setProperty("Malformed Fraction", "0.1");
        runner.run();
        final MockFlowFile flowFile = runner.getFlowFilesForRelationship(GenerateCustomerCsv.SUCCESS).getFirst();
        for (final String fault : List.of("firn.late", "firn.duplicates", "firn.malformed")) {
            assertTrue(Integer.parseInt(flowFile.getAttribute(fault)) > 20, fault + " " + flowFile.getAttribute(fault));
        }
    }

    @ParameterizedTest
    @CsvSource({"Late Fraction, firn.late", "Duplicate Fraction, firn.duplicates", "Malformed Fraction, firn.malformed"})
    void eachFaultIsIndependentOfTheOthers(final String property, final String attribute) {
        runner.setProperty(property, "0.2");
        runner.setProperty(GenerateCustomerCsv.TOTAL_ROWS, "3000");
        runner.run(3);
        for (final String fault : List.of("firn.late", "firn.duplicates", "firn.malformed")) {
            final long count = sum(fault);
            assertTrue(fault.equals(attribute) ? count > 300 && count < 800 : count == 0, fault + " " + count);
        }
        // Late events move to later files, so they add nothing to the whole stream.
        assertEquals(3000 + (attribute.equals("firn.late") ? 0 : sum(attribute)), sum("record.count"));
        assertEquals(sum("record.count"), contents(runner).stream().mapToLong(content -> content.lines().count() - 1).sum());
    }

    private long sum(final String attribute) {
        return runner.getFlowFilesForRelationship(GenerateCustomerCsv.SUCCESS).stream()
                .mapToLong(flowFile -> Long.parseLong(flowFile.getAttribute(attribute))).sum();
    }

    @Test
    void theSameKeyChangesAgainInTheSameFile() {
        final long before = sameCustomerInARow();
        runner.setProperty("Same Key Fraction", "0.3");
        final long after = sameCustomerInARow();
        assertTrue(before < 20 && after > 200, before + " before, " + after + " after");
    }

    private long sameCustomerInARow() {
        runner.clearTransferState();
        runner.run();
        final List<String> customers = contents(runner).getFirst().lines().skip(1).map(row -> row.split(",")[1]).toList();
        return IntStream.range(1, customers.size()).filter(row -> customers.get(row).equals(customers.get(row - 1))).count();
    }

    @Test
    void fractionsApplyToTheEvents() {
        runner.setProperty("Update Fraction", "0.2");
        runner.setProperty("Delete Fraction", "0.3");
        runner.setProperty("Return Fraction", "0.4");
        runner.run();
        final List<String> rows = contents(runner).getFirst().lines().skip(1).toList();
        final Set<String> deleted = new HashSet<>();
        int updates = 0;
        int inserts = 0;
        int returns = 0;
        // The first 100 are inserts, which the fractions do not count.
        for (final String row : rows) {
            final String customer = row.split(",")[1];
            switch (row.charAt(0)) {
                case 'D' -> deleted.add(customer);
                case 'U' -> updates++;
                default -> {
                    inserts++;
                    returns += deleted.remove(customer) ? 1 : 0;
                }
            }
        }
        final int deletes = deleted.size() + returns;
        assertTrue(updates > 140 && updates < 220, updates + " updates");
        assertTrue(deletes > 220 && deletes < 320, deletes + " deletes");
        assertTrue(returns > (inserts - 100) * 0.3 && returns < (inserts - 100) * 0.5, returns + " returns of " + inserts + " inserts");
    }

    @ParameterizedTest
    @ValueSource(strings = {"us", "de", "fr", "es", "br", "jp"})
    void everyLocaleHasItsCountry(final String locale) {
        runner.setProperty("Locales", locale);
        runner.setProperty("Update Fraction", "0");
        runner.run();
        final String country = "," + locale.toUpperCase(Locale.ROOT) + ",";
        assertTrue(contents(runner).getFirst().lines().skip(1).filter(row -> row.startsWith("I,")).allMatch(row -> row.contains(country)));
    }

    @Test
    void theSeedDeterminesEveryByte() {
        final List<String> runs = new ArrayList<>();
        for (final String seed : List.of("42", "42", "43")) {
            final TestRunner seeded = newRunner();
            seeded.setProperty("Seed", seed);
            seeded.run();
            runs.add(contents(seeded).getFirst());
        }
        assertEquals(runs.get(0), runs.get(1));
        assertNotEquals(runs.get(0), runs.get(2));
    }

    @Test
    void initialCustomersComeFirst() {
        runner.setProperty("Initial Customers", "7");
        runner.setProperty("Update Fraction", "1");
        runner.setProperty("Delete Fraction", "0");
        runner.run();
        final List<String> rows = contents(runner).getFirst().lines().skip(1).toList();
        assertTrue(rows.subList(0, 7).stream().allMatch(row -> row.startsWith("I,")), rows.getFirst());
        assertTrue(rows.subList(7, 1000).stream().allMatch(row -> row.startsWith("U,")), rows.get(7));
    }

    @Test
    void everyPropertyMayComeFromTheEnvironment() {
        runner.setProperty(GenerateCustomerCsv.TOTAL_ROWS, "1500");
        runner.setProperty(GenerateCustomerCsv.ROWS_PER_SECOND, "1000000000");
        until(() -> produced(runner) == 2);
        final TestRunner other = newRunner();
        for (final PropertyDescriptor property : ((GenerateCustomerCsv) other.getProcessor()).getSupportedPropertyDescriptors()) {
            final String variable = property.getName().replace(' ', '_');
            other.setEnvironmentVariableValue(variable, runner.getProcessContext().getProperty(property).getValue());
            other.setProperty(property, "${" + variable + "}");
        }
        until(() -> produced(other) == 2);
        assertEquals(contents(runner), contents(other));
    }

    /** A rate delays a FlowFile until its rows are due, however soon that is. */
    private static void until(final BooleanSupplier condition) {
        final long deadline = System.nanoTime() + 10_000_000_000L;
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < deadline, "timed out");
        }
    }

    private static int produced(final TestRunner runner) {
        runner.run(1, false);
        return contents(runner).size();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void nothingIsEmittedWithoutState(final boolean isRead) {
        if (isRead) {
            runner.getStateManager().setFailOnStateGet(Scope.CLUSTER, true);
        } else {
            runner.getStateManager().setFailOnStateSet(Scope.CLUSTER, true);
        }
        assertThrows(AssertionError.class, () -> runner.run());
        runner.assertTransferCount(GenerateCustomerCsv.SUCCESS, 0);
    }

    @Test
    void oneNodeOfAClusterGeneratesTheStreamAndTheNextOneResumes() throws IOException {
        assertTrue(GenerateCustomerCsv.class.isAnnotationPresent(PrimaryNodeOnly.class), "two nodes would generate the same customers");
        runner.run();
        // NiFi's harness rejects undeclared scopes, so this is the whole state.
        assertEquals("1000", runner.getStateManager().getState(Scope.CLUSTER).get(StreamState.NEXT_SEQUENCE));
    }

    @Test
    void propertiesDetermineTheRows() {
        runner.setProperty("Locales", "jp, de");
        runner.setProperty("First Customer ID", "5000000");
        runner.setProperty("Start Time", "2031-02-03T04:05:06Z");
        runner.setProperty("Mean Interval", "1 sec");
        runner.setProperty("Initial Customers", "1000");
        runner.setProperty("Update Fraction", "0");
        runner.setProperty("Delete Fraction", "0");
        runner.setProperty("Return Fraction", "0");
        runner.run();
        final List<String> rows = contents(runner).getFirst().lines().skip(1).toList();
        assertTrue(rows.stream().allMatch(row -> row.startsWith("I,")));
        assertTrue(rows.getFirst().startsWith("I,5000000,"), rows.getFirst());
        assertTrue(rows.getFirst().contains(",2031-02-03T04:05:0"), rows.getFirst());
        assertTrue(rows.getLast().contains(",2031-02-03T04:21:4"), rows.getLast());
        assertTrue(rows.stream().anyMatch(row -> row.contains(",JP,")) && rows.stream().anyMatch(row -> row.contains(",DE,")), rows.getFirst());
    }

    @Test
    void valuesMayComeFromTheEnvironment() {
        runner.setEnvironmentVariableValue("rows", "10");
        runner.setProperty("Max Rows per FlowFile", "${rows}");
        runner.setProperty("Update Fraction", "${literal('0.5')}");
        runner.run();
        runner.getFlowFilesForRelationship(GenerateCustomerCsv.SUCCESS).getFirst().assertAttributeEquals("record.count", "10");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "Seed | -1",
        "Seed | many",
        "Locales | us,xx",
        "Locales | ,",
        "Max Rows per FlowFile | 0",
        "Initial Customers | -1",
        "Update Fraction | 1.5",
        "Update Fraction | 0.99",
        "Delete Fraction | NaN",
        "Return Fraction | x",
        "First Customer ID | 9999999999999999",
        "Start Time | yesterday",
        "Mean Interval | 5",
        "Late Fraction | -0.1",
        "Duplicate Fraction | 2",
        "Same Key Fraction | 2",
        "Malformed Fraction | 2",
        "Rows per Second | 0",
        "Total Rows | 0",
    })
    void invalidPropertiesAreRejectedOnTheCanvas(final String property, final String value) {
        runner.assertValid();
        runner.setProperty(property, value);
        runner.assertNotValid();
    }

    @Test
    void anInvalidPropertyIsReportedWithTheExpectedForm() {
        runner.setProperty("Update Fraction", "1.5");
        final ValidationResult result = ((MockProcessContext) runner.getProcessContext()).validate().iterator().next();
        assertEquals("Update Fraction", result.getSubject());
        assertEquals("invalid fraction `1.5`: expected 0 to 1, or a percentage such as 10%", result.getExplanation());
    }

    @Test
    void propertiesOfEarlierVersionsAreMigrated() {
        final MockProcessContext context = (MockProcessContext) runner.getProcessContext();
        for (final String former : List.of("Update Ratio", "Delete Ratio", "Return Ratio", "Late Ratio", "Duplicate Ratio", "Same Key Ratio",
                "Dirty Ratio")) {
            context.setProperty(former, "0.125");
        }
        final Map<String, String> renamed = runner.migrateProperties().getPropertiesRenamed();
        assertEquals("Malformed Fraction", renamed.get("Dirty Ratio"));
        assertEquals(7, renamed.size());
        for (final String name : renamed.values()) {
            assertEquals("0.125", context.getProperty(name).getValue(), name);
        }
    }

    @Test
    void aStateOfAnEarlierVersionIsResumed() throws IOException {
        // The fingerprint of the options of this test, as earlier versions computed it.
        final Map<String, String> state = Map.of("stream", "44c6e52d9dbbad28", "next.sequence", "2000", "delivered.below", "0");
        runner.getStateManager().setState(state, Scope.CLUSTER);
        runner.run();
        runner.getFlowFilesForRelationship(GenerateCustomerCsv.SUCCESS).getFirst().assertAttributeEquals("firn.first.sequence", "2000");
    }

    @Test
    void verifyLoadsTheLibraryAndGeneratesASample() {
        final List<ConfigVerificationResult> results = ((VerifiableProcessor) runner.getProcessor())
                .verify(runner.getProcessContext(), runner.getLogger(), Map.of());
        assertEquals(List.of("Load native library", "Generate a sample"),
                results.stream().map(ConfigVerificationResult::getVerificationStepName).toList());
        assertTrue(results.stream().allMatch(result -> result.getOutcome() == Outcome.SUCCESSFUL), results.toString());
        assertTrue(results.getLast().getExplanation().startsWith("1000 rows"), results.toString());
    }

    @Test
    void verifyReportsErrorsOfTheCore() {
        runner.setProperty("Update Fraction", "0.8");
        runner.setProperty("Delete Fraction", "0.8");
        final List<ConfigVerificationResult> results = ((VerifiableProcessor) runner.getProcessor())
                .verify(runner.getProcessContext(), runner.getLogger(), Map.of());
        assertEquals(Arrays.asList(Outcome.SUCCESSFUL, Outcome.FAILED), results.stream().map(ConfigVerificationResult::getOutcome).toList());
        assertTrue(results.getLast().getExplanation().contains("expected at most 1"), results.toString());
    }
}
