package io.firn.nifi.processors;

import org.apache.nifi.components.ConfigVerificationResult;
import org.apache.nifi.components.ConfigVerificationResult.Outcome;
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

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
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
