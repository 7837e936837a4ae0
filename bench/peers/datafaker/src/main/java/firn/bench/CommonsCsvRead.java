package firn.bench;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/** Reads a file with commons-csv, NiFi's reader. Argument: the file. Prints program, rows, bytes and seconds. */
public final class CommonsCsvRead {
    private CommonsCsvRead() {
    }

    public static void main(final String[] arguments) throws IOException {
        final Path file = Path.of(arguments[0]);
        // Warms up the JIT compiler before the measurement.
        read(file, System.nanoTime() + 2_000_000_000L);
        final long started = System.nanoTime();
        final long rows = read(file, Long.MAX_VALUE);
        final double seconds = (System.nanoTime() - started) / 1e9;
        System.out.printf(Locale.ROOT, "commons-csv 1.14.1, NiFi's reader, Java %d, warm\t%d\t%d\t%f%n",
                Runtime.version().feature(), rows, Files.size(file), seconds);
    }

    private static long read(final Path file, final long until) throws IOException {
        long rows = -1;
        long characters = 0;
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8);
                CSVParser parser = CSVFormat.RFC4180.parse(reader)) {
            for (final CSVRecord row : parser) {
                rows++;
                for (final String value : row) {
                    characters += value.length();
                }
                if ((rows & 1023) == 0 && System.nanoTime() > until) {
                    break;
                }
            }
        }
        if (characters == 0) {
            throw new IOException(file + " is empty");
        }
        return rows;
    }
}
