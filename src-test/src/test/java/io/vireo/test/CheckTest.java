package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code check} warns of though it would run. */
final class CheckTest {
    @TempDir
    Path folder;

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "the default mode           |                                  | 600",
            "a group that may not enter | , mode = \"0600\", group = \"0\" | 600",
            "entering without writing   | , mode = \"0640\", group = \"0\" | 640",
            "reading alone              | , mode = \"0644\"                | 644",
    })
    void warnsWhenNobodyElseCouldConnect(String name, String access, String mode) throws IOException {
        Vireo.Result result = check(access);
        assertEquals(0, result.exit(), result.stderr());
        assertTrue(result.stderr().contains("vireo.conf:3"), "names no line: " + result.stderr());
        assertTrue(result.stderr().contains("mode " + mode), result.stderr());
        assertTrue(result.stderr().contains("group"), "does not say what to do: " + result.stderr());
        assertTrue(result.stdout().contains("device vda"), result.stdout());
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "a group      | , mode = \"0660\", group = \"0\"",
            "its default  | , group = \"0\"",
            "everybody    | , mode = \"0666\"",
    })
    void saysNothingWhenOthersCould(String name, String access) throws IOException {
        Vireo.Result result = check(access);
        assertEquals(0, result.exit(), result.stderr());
        assertEquals("", result.stderr());
    }

    @Test
    void warnsThatThereIsNothingToServe() throws IOException {
        Path conf = Files.writeString(folder.resolve("vireo.conf"), "vireo { drives.none { driver = null-co } }\n");
        Vireo.Result result = Vireo.run("check", conf.toString());
        assertEquals(0, result.exit(), result.stderr());
        assertEquals("warning: no devices: nothing to serve", result.stderr());
    }

    private Vireo.Result check(String access) throws IOException {
        Path conf = Files.writeString(folder.resolve("vireo.conf"), """
                vireo {
                  drives.none { driver = null-co }
                  devices.vda { drive = none, transport { path = vda.sock%s } }
                }
                """.formatted(access == null ? "" : access));
        return Vireo.run("check", conf.toString());
    }
}
