package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code qemu-args} makes of the guest's memory, and of a configuration with nothing to attach. */
final class QemuArgsTest {
    private static final String A_DEVICE = "drives.d { driver = null-co }, devices.vda { drive = d, transport.path = vda.sock }";

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({"2G, 2G", "640m, 640m", "1024, 1024M"})
    void givesBothHalvesOfQemuTheSameMemory(String asked, String size) throws IOException {
        Vireo.Result result = Vireo.run("qemu-args", configure(A_DEVICE), "--memory", asked);
        assertEquals(0, result.exit(), result.stderr());
        assertEquals("-m " + size + " -object memory-backend-memfd,id=vireo-memory,size=" + size
                + ",share=on -machine memory-backend=vireo-memory", result.out().getFirst());
    }

    @ParameterizedTest
    @ValueSource(strings = {"banana", "0", "1X", "1G,share=off"})
    void refusesMemoryThatQemuWouldNotTake(String memory) throws IOException {
        refuses(memory, Vireo.run("qemu-args", configure(A_DEVICE), "--memory", memory));
    }

    @Test
    void asksQemuForWhatItWouldNotOfferByItself() throws IOException {
        Vireo.Result plain = Vireo.run("qemu-args", configure(A_DEVICE));
        assertFalse(plain.stdout().contains("packed"), plain.stdout());
        Vireo.Result result = Vireo.run("qemu-args", configure(A_DEVICE + ", devices.vda { packed = on, in_order = on }"));
        assertEquals(0, result.exit(), result.stderr());
        assertTrue(result.stdout().contains(",queue-size=256,packed=on,in_order=on,"), result.stdout());
    }

    @Test
    void refusesAConfigurationWithoutDevices() throws IOException {
        refuses("no devices", Vireo.run("qemu-args", configure("drives.d { driver = null-co }")));
    }

    private String configure(String content) throws IOException {
        return Files.writeString(folder.resolve("vireo.conf"), "vireo { " + content + " }\n").toString();
    }

    private static void refuses(String words, Vireo.Result result) {
        assertEquals(2, result.exit(), result.stderr());
        assertEquals("", result.stdout());
        assertTrue(result.stderr().contains(words), result.stderr());
    }
}
