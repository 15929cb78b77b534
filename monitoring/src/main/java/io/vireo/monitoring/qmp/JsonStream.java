package io.vireo.monitoring.qmp;

import java.io.OutputStream;
import java.util.Map;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.async.ByteArrayFeeder;
import tools.jackson.core.json.JsonFactory;

/**
 * Cuts a stream of bytes, in pieces of any size, into JSON objects.
 *
 * <p>What is no JSON object, repeats a key, or is nested or long beyond the bounds is refused, and costs the rest of its
 * line, or of the piece when that has no end of line: there the next object may begin. Thread: one.
 */
public final class JsonStream {
    /** Of one object; one that is larger ends the stream. */
    public static final int OBJECT_BYTES_MAX = 1 << 20;
    static final int NESTING_MAX = 64;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(NESTING_MAX).maxStringLength(OBJECT_BYTES_MAX).maxNameLength(1024).maxNumberLength(100).build())
            .build();

    /** What a piece of the stream came to. */
    public sealed interface Found {}

    public record JsonObject(Map<String, Object> members) implements Found {}

    /** @param why in one sentence, without what was sent */
    public record Malformed(String why) implements Found {}

    private JsonParser parser;
    private JsonTree tree;
    private long objectBytes;

    /**
     * Takes in the next bytes.
     *
     * @param found told of each object and each mistake, in order
     * @return false when the stream cannot be followed any further
     */
    public boolean feed(byte[] bytes, Consumer<Found> found) {
        int at = 0;
        while (at < bytes.length) {
            if (parser == null) begin();
            try {
                ((ByteArrayFeeder) parser.nonBlockingInputFeeder()).feedInput(bytes, at, bytes.length);
                if (!tree.read(parser)) {
                    objectBytes += bytes.length - at;
                    if (objectBytes <= OBJECT_BYTES_MAX) return true;
                    found.accept(new Malformed("more than " + OBJECT_BYTES_MAX + " bytes in one object"));
                    return false;
                }
                at = bytes.length - end();
                found.accept(objectOf(tree.root()));
            } catch (JacksonException | IllegalStateException | NumberFormatException e) {
                // The last two: too many names of one hash, an exponent that no number has.
                at = afterLine(bytes, Math.max(at, bytes.length - end() - 1));
                found.accept(new Malformed(reason(e)));
            }
        }
        return true;
    }

    private void begin() {
        parser = FACTORY.createNonBlockingByteArrayParser(ObjectReadContext.empty());
        tree = new JsonTree();
        objectBytes = 0;
    }

    /** Done with this parser; the number of bytes that it has not read. */
    private int end() {
        int unread = parser.releaseBuffered(OutputStream.nullOutputStream());
        parser.close();
        parser = null;
        return unread;
    }

    @SuppressWarnings("unchecked") // keys are property names
    private static Found objectOf(Object value) {
        if (value instanceof Map<?, ?> members) return new JsonObject((Map<String, Object>) members);
        return new Malformed("a JSON object is expected");
    }

    private static int afterLine(byte[] bytes, int from) {
        for (int i = from; i < bytes.length; i++) if (bytes[i] == '\n') return i + 1;
        return bytes.length;
    }

    private static String reason(RuntimeException e) {
        if (e instanceof NumberFormatException) return "JSON parse error: a number is out of range";
        String message = e instanceof JacksonException json ? json.getOriginalMessage() : e.getMessage();
        String line = String.valueOf(message).lines().findFirst().orElse("").replaceAll("[^\\x20-\\x7e]", "?");
        return "JSON parse error: " + (line.length() <= 200 ? line : line.substring(0, 200) + "...");
    }
}
