package io.vireo.monitoring.qmp;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A fuzzer's input as what a client writes: in one piece and in two it is the same objects and the same mistakes. */
public final class JsonFuzz {
    private JsonFuzz() {}

    /** As Jazzer calls it. Shape: where it is cut, then the stream. */
    public static void fuzzerTestOneInput(byte[] input) {
        if (input.length < 2) return;
        byte[] stream = Arrays.copyOfRange(input, 1, input.length);
        List<JsonStream.Found> whole = new ArrayList<>();
        new JsonStream().feed(stream, whole::add);
        int cut = (input[0] & 0xFF) % stream.length;
        List<JsonStream.Found> halves = new ArrayList<>();
        JsonStream twice = new JsonStream();
        if (twice.feed(Arrays.copyOf(stream, cut), halves::add)) {
            twice.feed(Arrays.copyOfRange(stream, cut, stream.length), halves::add);
        }
        // A mistake costs the rest of its piece: only of a stream without any the pieces do not matter.
        boolean malformed = whole.stream().anyMatch(JsonStream.Malformed.class::isInstance);
        if (!malformed && !whole.equals(halves)) throw new AssertionError(whole + " in two pieces is " + halves);
    }
}
