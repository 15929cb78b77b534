package io.vireo.config;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nothing that can stand in a file brings the loader down. Repeat a run with {@code -Dvireo.seed=N}. */
class HoconFuzzTest {
    private static final int FILES = 3_000 * Integer.getInteger("vireo.soak", 1);
    private static final List<String> SCRAPS = List.of(
            "{", "}", "[", "]", "=", ":", ",", "\n", "\"", "\"\"\"", "#", "//", "${", "${?", "}", "+=", "null", "on",
            "-1", "1e999", "0x10", "99999999999999999999", "1G", "32us", "\u0000", "\ufffe", "ä", ".", "..", "\\u12",
            "include ", "vireo", "drives", "devices", "iothreads", "driver = raw", "file { driver = file }",
            "vqs = [0, 0]",
            "transport {}", "iothread-vq-mapping = [[], {}, 3]", "labels = [1]", "cache = on", "a.b.c = ${vireo}");

    @TempDir Path folder;
    private Hocon hocon;
    private Random random;

    @BeforeEach
    void seed() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("HoconFuzzTest seed " + seed);
        random = new Random(seed);
        hocon = new Hocon(folder);
    }

    @Test
    void garbageIsRefusedInWords() {
        int refused = 0;
        for (int i = 0; i < FILES; i++) {
            var text = new StringBuilder("vireo {");
            for (int n = random.nextInt(30); n > 0; n--) {
                text.append(SCRAPS.get(random.nextInt(SCRAPS.size()))).append(random.nextBoolean() ? " " : "");
            }
            if (isRefused(text.append(random.nextBoolean() ? "}" : "").toString())) refused++;
        }
        assertTrue(refused > FILES / 2, "refused only " + refused);
    }

    @Test
    void damagedExampleIsReadOrRefusedInWords() throws IOException {
        String example;
        try (InputStream in = VireoConfig.class.getResourceAsStream("example.conf")) {
            example = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        int refused = 0;
        for (int i = 0; i < FILES / 3; i++) {
            var text = new StringBuilder(example);
            for (int damages = 1 + random.nextInt(8); damages > 0; damages--) {
                int from = random.nextInt(text.length());
                int to = Math.min(text.length(), from + random.nextInt(12));
                text.replace(from, to, SCRAPS.get(random.nextInt(SCRAPS.size())));
            }
            if (isRefused(text.toString())) refused++;
        }
        assertTrue(refused > 0);
    }

    private boolean isRefused(String text) {
        try {
            hocon.load(text);
            return false;
        } catch (ConfigException e) {
            for (Problem problem : e.problems()) {
                assertFalse(problem.what().isBlank(), text);
                assertTrue(problem.origin().file().contains("vm.conf"), () -> problem + " in\n" + text);
            }
            return true;
        } catch (RuntimeException | Error e) {
            return fail("this file:\n" + text, e);
        }
    }
}
