package io.vireo.monitoring.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.monitoring.qmp.JsonStream.Found;
import io.vireo.monitoring.qmp.JsonStream.JsonObject;
import io.vireo.monitoring.qmp.JsonStream.Malformed;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class JsonStreamTest {
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());

    private final JsonStream stream = new JsonStream();
    private final List<Found> found = new ArrayList<>();

    private boolean feed(String text) {
        return stream.feed(text.getBytes(StandardCharsets.UTF_8), found::add);
    }

    private Map<String, Object> object(int index) {
        return assertInstanceOf(JsonObject.class, found.get(index)).members();
    }

    private String mistake(int index) {
        return assertInstanceOf(Malformed.class, found.get(index)).why();
    }

    @Test
    void findsObjectsThatFollowEachOtherWithAndWithoutSpace() {
        assertTrue(feed("{\"a\":1}{\"b\":[true,null,-2.50]} \r\n {}"));
        assertEquals(List.of(Map.of("a", 1), Map.of()), List.of(object(0), object(2)));
        assertEquals("{\"b\":[true,null,-2.50]}", JsonText.of(object(1)));
    }

    @Test
    void findsTheSameObjectsHoweverTheBytesAreCut() {
        String text = "{\"execute\":\"a\",\"arguments\":{\"x\":\"\u20ac\\u00e9\",\"n\":18446744073709551615},\"id\":[{},[1.5e3]]}\n{\"z\":\"\"}";
        feed(text);
        List<Found> whole = List.copyOf(found);
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int cut = 1; cut < bytes.length; cut++) {
            found.clear();
            stream.feed(Arrays.copyOf(bytes, cut), found::add);
            stream.feed(Arrays.copyOfRange(bytes, cut, bytes.length), found::add);
            assertEquals(whole, found, "cut at " + cut);
        }
        found.clear();
        for (byte each : bytes) stream.feed(new byte[] {each}, found::add);
        assertEquals(whole, found);
        assertEquals(new BigInteger("18446744073709551615"), ((Map<?, ?>) object(0).get("arguments")).get("n"));
    }

    @Test
    void refusesARepeatedKey() {
        feed("{\"a\":1,\"a\":2}\n{\"b\":1}\n");
        assertTrue(mistake(0).contains("Duplicate"), mistake(0));
        assertEquals(Map.of("b", 1), object(1));
    }

    @Test
    void refusesAnExponentThatNoNumberHasAndGoesOn() {
        feed("{\"a\":18E4467495677}\n{\"b\":1}\n");
        assertEquals("JSON parse error: a number is out of range", mistake(0));
        assertEquals(Map.of("b", 1), object(1));
    }

    @Test
    void refusesWhatIsNoObjectAndGoesOn() {
        feed("[1]\n\"x\"\n{\"b\":1}");
        assertEquals("a JSON object is expected", mistake(0));
        assertEquals("a JSON object is expected", mistake(1));
        assertEquals(Map.of("b", 1), object(2));
    }

    @Test
    void goesOnAtTheNextLineAfterAMistake() {
        feed("{\"execute\": }, {\"lost\":1}\n{\"b\":1}\n");
        assertTrue(mistake(0).startsWith("JSON parse error"), mistake(0));
        assertEquals(Map.of("b", 1), object(1));
        assertEquals(2, found.size());
    }

    @Test
    void aControlCharacterBringsItBackFromTheMiddleOfAnObject() {
        feed("{\"never\": \"finished");
        feed("\u0001\n{\"b\":1}");
        assertEquals(2, found.size(), found::toString);
        assertEquals(Map.of("b", 1), object(1));
    }

    @Test
    void refusesNestingThatIsDeep() {
        feed("{\"a\":" + "[".repeat(JsonStream.NESTING_MAX) + "\n{}");
        assertInstanceOf(Malformed.class, found.getFirst());
        assertEquals(Map.of(), object(1));
        assertEquals(2, found.size());
        found.clear();
        int fits = JsonStream.NESTING_MAX - 1;
        feed("{\"a\":" + "[".repeat(fits) + "]".repeat(fits) + "}");
        assertInstanceOf(JsonObject.class, found.getFirst());
    }

    @Test
    void endsTheStreamAtAnObjectThatIsTooLarge() {
        String piece = "\"x\",".repeat(16 << 10);
        boolean goesOn = feed("{\"a\":[");
        int fed = 0;
        while (goesOn && fed < 2 * JsonStream.OBJECT_BYTES_MAX) {
            goesOn = feed(piece);
            fed += piece.length();
        }
        assertFalse(goesOn);
        assertTrue(fed <= JsonStream.OBJECT_BYTES_MAX + piece.length(), "fed " + fed);
        assertTrue(mistake(0).contains("bytes"), mistake(0));
    }

    @Test
    void tellsNothingOfWhatWasSentButPrintableAscii() {
        stream.feed(new byte[] {'{', (byte) 0xFF, (byte) 0xFE, 0, 27, '\n'}, found::add);
        assertTrue(mistake(0).matches("[\\x20-\\x7e]{1,300}"), mistake(0));
    }

    /** Whatever comes, each line costs at most its own mistakes, and the next good line is understood. */
    @Test
    void survivesRandomBytes() {
        System.out.println("JsonStreamTest -Dvireo.seed=" + SEED);
        Random random = new Random(SEED);
        String alphabet = "{}[]\":,\\ntrufalse0123456789.eE+-\u0000\u0007 \u00e9";
        for (int round = 0; round < 3_000; round++) {
            byte[] noise = new byte[1 + random.nextInt(200)];
            for (int i = 0; i < noise.length; i++) {
                noise[i] = random.nextInt(8) == 0 ? (byte) random.nextInt(256) : (byte) alphabet.charAt(random.nextInt(alphabet.length()));
            }
            found.clear();
            assertTrue(stream.feed(noise, found::add));
            // Out of whatever the noise began: a control character is an error anywhere.
            assertTrue(feed("\u0001\n"));
            found.clear();
            assertTrue(feed("{\"round\":" + round + "}\n"));
            assertEquals(Map.of("round", round), object(0), "round " + round);
        }
    }
}
