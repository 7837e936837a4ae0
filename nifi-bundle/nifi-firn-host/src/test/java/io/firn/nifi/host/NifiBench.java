package io.firn.nifi.host;

/**
 * Compares Firn's processors with NiFi's own in the assembled NiFi: {@code NifiBench ROUNDS}, run by {@code firn-bench nifi}. Prints a line for each
 * run: table, program, rows, bytes and seconds, separated by tabs.
 */
final class NifiBench {

    private NifiBench() {
    }

    /** Contenders take turns, so that a temporary slowdown of the machine affects all of them. */
    public static void main(final String[] arguments) throws Exception {
        final int rounds = Integer.parseInt(arguments[0]);
        try (RealNifi nifi = RealNifi.start("bench")) {
            final GenerateBench generate = new GenerateBench(nifi);
            for (int round = 0; round < rounds; round++) {
                generate.round();
            }
            final PutBench put = new PutBench(nifi);
            for (int round = 0; round < rounds; round++) {
                put.round();
            }
        }
    }

    static void report(final String table, final String program, final long rows, final long bytes, final double seconds) {
        System.out.printf("%s\t%s\t%d\t%d\t%.6f%n", table, program, rows, bytes, seconds);
    }
}
