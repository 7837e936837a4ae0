package io.firn.nifi.processors;

import io.firn.nifi.core.NativeGenerator;
import io.firn.nifi.core.NativeGenerator.Position;
import org.apache.nifi.components.state.StateMap;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The state of a stream in NiFi: its options and its position. A state is only valid for a stream with equal options. */
final class StreamState {

    static final String OPTIONS = "options";
    static final String NEXT_SEQUENCE = "next.sequence";
    static final String DELIVERED_BELOW = "delivered.below";
    /** The fingerprint of the options, which states of earlier versions have in place of the options. */
    static final String FINGERPRINT = "stream";

    private static final List<String> FINGERPRINTED = List.of("seed", "locales", "rows_per_file", "initial", "updates", "deletes", "returns",
            "first_customer_id", "start_micros", "gap_micros", "late", "duplicates", "same_key");

    private StreamState() {
    }

    static Map<String, String> of(final Map<String, Object> options, final Position reached) {
        return Map.of(
                OPTIONS, NativeGenerator.json(options),
                NEXT_SEQUENCE, Long.toString(reached.nextSequence()),
                DELIVERED_BELOW, Long.toString(reached.deliveredBelow()));
    }

    /** Whether the state is that of a stream with these complete options. */
    static boolean belongsTo(final StateMap state, final Map<String, Object> options) {
        final String document = state.get(OPTIONS);
        return document == null
                ? fingerprint(options).equals(state.get(FINGERPRINT))
                : NativeGenerator.checked(document).equals(options);
    }

    static Position positionIn(final StateMap state) {
        return new Position(Long.parseLong(state.get(NEXT_SEQUENCE)), Long.parseLong(state.get(DELIVERED_BELOW)));
    }

    private static String fingerprint(final Map<String, Object> options) {
        final Map<String, Object> named = new LinkedHashMap<>();
        FINGERPRINTED.forEach(name -> named.put(name, options.get(name)));
        named.put("dirty", options.get("malformed"));
        try {
            final byte[] digest = MessageDigest.getInstance("SHA-256").digest(named.toString().getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 8);
        } catch (final NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
