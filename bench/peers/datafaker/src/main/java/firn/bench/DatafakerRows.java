package firn.bench;

import java.io.IOException;
import java.io.Writer;
import java.time.Instant;
import java.util.Locale;
import java.util.Random;

import net.datafaker.Faker;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;

/** Datafaker and commons-csv, as in their documentation. Argument: rows. Prints program, rows, bytes and seconds. */
public final class DatafakerRows {
    private static final String[] COLUMNS = {
        "op", "customer_id", "first_name", "last_name", "email", "phone", "street",
        "city", "state", "postal_code", "country", "updated_at", "sequence",
    };
    private static final Instant START = Instant.parse("2026-01-01T00:00:00.000001Z");

    private DatafakerRows() {
    }

    public static void main(final String[] arguments) throws IOException {
        final int rows = Integer.parseInt(arguments[0]);
        final Faker faker = new Faker(new Random(1));
        // Warms up the JIT compiler before the measurement.
        final long warmUntil = System.nanoTime() + 3_000_000_000L;
        while (System.nanoTime() < warmUntil) {
            write(faker, 10_000);
        }
        final long started = System.nanoTime();
        final long bytes = write(faker, rows);
        final double seconds = (System.nanoTime() - started) / 1e9;
        System.out.printf(Locale.ROOT, "Datafaker 2.7.0 + commons-csv, Java %d, warm\t%d\t%d\t%f%n",
                Runtime.version().feature(), rows, bytes, seconds);
    }

    private static long write(final Faker faker, final int rows) throws IOException {
        final CountingSink sink = new CountingSink();
        try (CSVPrinter printer = new CSVPrinter(sink, CSVFormat.RFC4180.builder().setHeader(COLUMNS).get())) {
            for (int sequence = 0; sequence < rows; sequence++) {
                printer.printRecord("I", sequence + 1, faker.name().firstName(), faker.name().lastName(),
                        faker.internet().emailAddress(), faker.phoneNumber().phoneNumber(),
                        faker.address().streetAddress(), faker.address().city(), faker.address().stateAbbr(),
                        faker.address().zipCode(), "US", START.plusMillis(sequence), sequence);
            }
        }
        return sink.bytes;
    }

    /** Discards text and counts it. The names are ASCII, so a character is a byte. */
    private static final class CountingSink extends Writer {
        private long bytes;

        @Override
        public void write(final char[] buffer, final int offset, final int length) {
            bytes += length;
        }

        @Override
        public void write(final int character) {
            bytes++;
        }

        @Override
        public void write(final String text, final int offset, final int length) {
            bytes += length;
        }

        @Override
        public void flush() {
            // There is no buffer.
        }

        @Override
        public void close() {
            // There is no resource.
        }
    }
}
