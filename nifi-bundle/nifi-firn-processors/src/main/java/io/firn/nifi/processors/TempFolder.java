package io.firn.nifi.processors;

import io.firn.nifi.core.NativeLoader.Input;
import org.apache.nifi.flowfile.FlowFile;
import org.apache.nifi.flowfile.attributes.CoreAttributes;
import org.apache.nifi.processor.ProcessSession;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * FlowFiles as files, for as long as a load takes. The core reads a file twice, once for the hash in its name and once to validate it, so
 * that nothing is uploaded under a wrong name; a FlowFile's content can be read once, in Java only.
 */
final class TempFolder implements AutoCloseable {

    private final Path folder;
    private int taken;

    TempFolder() throws IOException {
        folder = Files.createTempDirectory("firn-load-");
    }

    /** The FlowFile's content under its own name, and a path for its malformed rows. */
    Input take(final ProcessSession session, final FlowFile flowFile) throws IOException {
        // A folder for each: names need not differ.
        final Path own = Files.createDirectory(folder.resolve(Integer.toString(taken++)));
        final Path content = Files.createDirectory(own.resolve("in")).resolve(safeName(flowFile.getAttribute(CoreAttributes.FILENAME.key())));
        session.exportTo(flowFile, content, false);
        return new Input(content, own.resolve("rejected.csv"));
    }

    /** The name is an attribute, so anybody's text: it must not lead out of the folder, nor be too long for it. */
    static String safeName(final String filename) {
        final String plain = filename.replaceAll("[^A-Za-z0-9._-]", "_").replaceAll("^\\.+", "");
        return plain.isEmpty() ? "flowfile" : plain.substring(0, Math.min(100, plain.length()));
    }

    @Override
    public void close() throws IOException {
        try (Stream<Path> inside = Files.walk(folder)) {
            for (final Path path : inside.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
