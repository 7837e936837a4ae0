package io.firn.nifi.processors;

import org.apache.nifi.annotation.behavior.PrimaryNodeOnly;
import org.apache.nifi.components.ConfigVerificationResult;
import org.apache.nifi.components.ConfigVerificationResult.Outcome;
import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.components.state.Scope;
import org.apache.nifi.processor.VerifiableProcessor;
import org.apache.nifi.provenance.ProvenanceEventType;
import org.apache.nifi.util.MockFlowFile;
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
        runner.setProperty(StreamProperties.SEED, "42");
        runner.setProperty(StreamProperties.MAX_ROWS_PER_FLOWFILE, "1000");
        return runner;
    }

    private static List<String> contents(final TestRunner runner) {
        return runner.getFlowFilesForRelationship(GenerateCustomerCsv.SUCCESS).stream().map(MockFlowFile::getContent).toList();
    }

    @Test
    void aFlowFileTellsWhatItHolds() {
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
        for (final String mischief : List.of("firn.late", "firn.duplicates", "firn.broken")) {
            flowFile.assertAttributeEquals(mischief, "0");
        }
        assertEquals(ProvenanceEventType.CREATE, runner.getProvenanceEvents().getFirst().getEventType());
    }

    @Test
    void aRestartGoesOnWhereTheStreamStopped() throws IOException {
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
    void theStateDecidesWhatComesNextNotTheNativeStream() throws IOException {
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
        runner.setProperty(StreamProperties.SEED, "43");
        runner.run();
        final MockFlowFile last = runner.getFlowFilesForRelationship(GenerateCustomerCsv.SUCCESS).getLast();
        last.assertAttributeEquals("firn.first.sequence", "0");
        assertNotEquals(contents(runner).getFirst(), last.getContent());
        assertEquals("1000", runner.getStateManager().getState(Scope.CLUSTER).get(GenerateCustomerCsv.STATE_NEXT_SEQUENCE));
    }

    @Test
    void theStreamEndsAfterItsTotal() {
        runner.setProperty(GenerateCustomerCsv.TOTAL_ROWS, "2500");
        runner.run(5);
        runner.assertAllFlowFilesTransferred(GenerateCustomerCsv.SUCCESS, 3);
        runner.getFlowFilesForRelationship(GenerateCustomerCsv.SUCCESS).getLast().assertAttributeEquals("record.count", "500");
    }

    @Test
    void aRateHoldsTheStreamUp() {
        runner.setProperty(GenerateCustomerCsv.ROWS_PER_SECOND, "1");
        runner.run(3);
        runner.assertTransferCount(GenerateCustomerCsv.SUCCESS, 0);
    }

    @Test
    void mischiefIsToldInTheAttributes() {
        runner.setProperty(StreamProperties.LATE_RATIO, "0.1");
        runner.setProperty(StreamProperties.DUPLICATE_RATIO, "0.1");
        runner.setProperty(StreamProperties.SAME_KEY_RATIO, "0.1");
        runner.setProperty(StreamProperties.DIRTY_RATIO, "0.1");
        runner.run();
        final MockFlowFile flowFile = runner.getFlowFilesForRelationship(GenerateCustomerCsv.SUCCESS).getFirst();
        for (final String mischief : List.of("firn.late", "firn.duplicates", "firn.broken")) {
            assertTrue(Integer.parseInt(flowFile.getAttribute(mischief)) > 20, mischief + " " + flowFile.getAttribute(mischief));
        }
    }

    @ParameterizedTest
    @CsvSource({"Late Ratio, firn.late", "Duplicate Ratio, firn.duplicates", "Dirty Ratio, firn.broken"})
    void eachMischiefDoesItsOwnAndNoOther(final String property, final String attribute) {
        runner.setProperty(property, "0.2");
        runner.setProperty(GenerateCustomerCsv.TOTAL_ROWS, "3000");
        runner.run(3);
        for (final String mischief : List.of("firn.late", "firn.duplicates", "firn.broken")) {
            final long count = sum(mischief);
            assertTrue(mischief.equals(attribute) ? count > 300 && count < 800 : count == 0, mischief + " " + count);
        }
        // What is late comes later, so it adds nothing to the whole stream.
        assertEquals(3000 + (attribute.equals("firn.late") ? 0 : sum(attribute)), sum("record.count"));
        assertEquals(sum("record.count"), contents(runner).stream().mapToLong(content -> content.lines().count() - 1).sum());
    }

    private long sum(final String attribute) {
        return runner.getFlowFilesForRelationship(GenerateCustomerCsv.SUCCESS).stream()
                .mapToLong(flowFile -> Long.parseLong(flowFile.getAttribute(attribute))).sum();
    }

    @Test
    void theSameKeyChangesOnceMoreAtOnce() {
        final long before = sameCustomerInARow();
        runner.setProperty(StreamProperties.SAME_KEY_RATIO, "0.3");
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
    void ratiosAreSharesOfTheEvents() {
        runner.setProperty(StreamProperties.UPDATE_RATIO, "0.2");
        runner.setProperty(StreamProperties.DELETE_RATIO, "0.3");
        runner.setProperty(StreamProperties.RETURN_RATIO, "0.4");
        runner.run();
        final List<String> rows = contents(runner).getFirst().lines().skip(1).toList();
        final Set<String> deleted = new HashSet<>();
        int updates = 0;
        int inserts = 0;
        int returns = 0;
        // The first 100 are inserts, which the ratios do not count.
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
        runner.setProperty(StreamProperties.LOCALES, locale);
        runner.setProperty(StreamProperties.UPDATE_RATIO, "0");
        runner.run();
        final String country = "," + locale.toUpperCase(Locale.ROOT) + ",";
        assertTrue(contents(runner).getFirst().lines().skip(1).filter(row -> row.startsWith("I,")).allMatch(row -> row.contains(country)));
    }

    @Test
    void theSeedDecidesEveryByte() {
        final List<String> runs = new ArrayList<>();
        for (final String seed : List.of("42", "42", "43")) {
            final TestRunner seeded = newRunner();
            seeded.setProperty(StreamProperties.SEED, seed);
            seeded.run();
            runs.add(contents(seeded).getFirst());
        }
        assertEquals(runs.get(0), runs.get(1));
        assertNotEquals(runs.get(0), runs.get(2));
    }

    @Test
    void initialCustomersComeFirst() {
        runner.setProperty(StreamProperties.INITIAL_CUSTOMERS, "7");
        runner.setProperty(StreamProperties.UPDATE_RATIO, "1");
        runner.setProperty(StreamProperties.DELETE_RATIO, "0");
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

    /** A rate holds a FlowFile up until its rows are due, however soon that is. */
    private static void until(final BooleanSupplier condition) {
        final long deadline = System.nanoTime() + 10_000_000_000L;
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < deadline, "waited in vain");
        }
    }

    private static int produced(final TestRunner runner) {
        runner.run(1, false);
        return contents(runner).size();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void withoutItsStateNothingIsEmitted(final boolean isRead) {
        if (isRead) {
            runner.getStateManager().setFailOnStateGet(Scope.CLUSTER, true);
        } else {
            runner.getStateManager().setFailOnStateSet(Scope.CLUSTER, true);
        }
        assertThrows(AssertionError.class, () -> runner.run());
        runner.assertTransferCount(GenerateCustomerCsv.SUCCESS, 0);
    }

    @Test
    void oneNodeOfAClusterMakesTheStreamAndTheNextOneGoesOn() throws IOException {
        assertTrue(GenerateCustomerCsv.class.isAnnotationPresent(PrimaryNodeOnly.class), "two nodes would make the same customers");
        runner.run();
        // NiFi's harness lets no component use a scope that it does not declare, so this is all the state there is.
        assertEquals("1000", runner.getStateManager().getState(Scope.CLUSTER).get(GenerateCustomerCsv.STATE_NEXT_SEQUENCE));
    }

    @Test
    void propertiesShapeTheRows() {
        runner.setProperty(StreamProperties.LOCALES, "jp, de");
        runner.setProperty(StreamProperties.FIRST_CUSTOMER_ID, "5000000");
        runner.setProperty(StreamProperties.START_TIME, "2031-02-03T04:05:06Z");
        runner.setProperty(StreamProperties.MEAN_INTERVAL, "1 sec");
        runner.setProperty(StreamProperties.INITIAL_CUSTOMERS, "1000");
        runner.setProperty(StreamProperties.UPDATE_RATIO, "0");
        runner.setProperty(StreamProperties.DELETE_RATIO, "0");
        runner.setProperty(StreamProperties.RETURN_RATIO, "0");
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
        runner.setProperty(StreamProperties.MAX_ROWS_PER_FLOWFILE, "${rows}");
        runner.setProperty(StreamProperties.UPDATE_RATIO, "${literal('0.5')}");
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
        "Update Ratio | 1.5",
        "Update Ratio | 0.99",
        "Delete Ratio | NaN",
        "Return Ratio | x",
        "First Customer ID | 9999999999999999",
        "Start Time | yesterday",
        "Mean Interval | 5",
        "Late Ratio | -0.1",
        "Duplicate Ratio | 2",
        "Same Key Ratio | 2",
        "Dirty Ratio | 2",
        "Rows per Second | 0",
        "Total Rows | 0",
    })
    void nonsenseIsRefusedOnTheCanvas(final String property, final String value) {
        runner.assertValid();
        runner.setProperty(property, value);
        runner.assertNotValid();
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
    void verifyTellsWhatTheCoreRefuses() {
        runner.setProperty(StreamProperties.UPDATE_RATIO, "0.8");
        runner.setProperty(StreamProperties.DELETE_RATIO, "0.8");
        final List<ConfigVerificationResult> results = ((VerifiableProcessor) runner.getProcessor())
                .verify(runner.getProcessContext(), runner.getLogger(), Map.of());
        assertEquals(Arrays.asList(Outcome.SUCCESSFUL, Outcome.FAILED), results.stream().map(ConfigVerificationResult::getOutcome).toList());
        assertTrue(results.getLast().getExplanation().contains("together at most 1"), results.toString());
    }
}
