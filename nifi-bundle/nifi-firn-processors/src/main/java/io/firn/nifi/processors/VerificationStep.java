package io.firn.nifi.processors;

import org.apache.nifi.components.ConfigVerificationResult;
import org.apache.nifi.components.ConfigVerificationResult.Outcome;

/** The result of one step of a verification, as shown on the canvas. */
final class VerificationStep {

    private VerificationStep() {
    }

    static ConfigVerificationResult passed(final String step, final String seen) {
        return result(step, Outcome.SUCCESSFUL, seen);
    }

    /** {@code problem} is the problem and its fix. */
    static ConfigVerificationResult failed(final String step, final String problem) {
        return result(step, Outcome.FAILED, problem);
    }

    private static ConfigVerificationResult result(final String step, final Outcome outcome, final String explanation) {
        return new ConfigVerificationResult.Builder().verificationStepName(step).outcome(outcome).explanation(explanation).build();
    }
}
