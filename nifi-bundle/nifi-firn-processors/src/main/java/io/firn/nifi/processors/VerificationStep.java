package io.firn.nifi.processors;

import org.apache.nifi.components.ConfigVerificationResult;
import org.apache.nifi.components.ConfigVerificationResult.Outcome;

/** What the canvas shows of one step of a verification. */
final class VerificationStep {

    private VerificationStep() {
    }

    static ConfigVerificationResult passed(final String step, final String seen) {
        return result(step, Outcome.SUCCESSFUL, seen);
    }

    /** {@code problem} says what is wrong and its fix. */
    static ConfigVerificationResult failed(final String step, final String problem) {
        return result(step, Outcome.FAILED, problem);
    }

    private static ConfigVerificationResult result(final String step, final Outcome outcome, final String explanation) {
        return new ConfigVerificationResult.Builder().verificationStepName(step).outcome(outcome).explanation(explanation).build();
    }
}
