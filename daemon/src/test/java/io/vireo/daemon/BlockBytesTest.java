package io.vireo.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class BlockBytesTest {
    @ParameterizedTest
    @CsvSource({"512, 512", "4096, 4096", "4k, 4096", "4K, 4096", "128k, 131072", "1m, 1048576", "1M, 1048576"})
    void takesFiosSizes(String text, int bytes) {
        assertEquals(bytes, new BlockBytes().convert(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "k", "0", "-512", "511", "513", "4kb", "4 k", "0x200", "1048577", "2m", "9999999m", "99999999999999"})
    void refusesTheRestAndSaysWhatIsAllowed(String text) {
        TypeConversionException refused =
                assertThrows(TypeConversionException.class, () -> new BlockBytes().convert(text));
        assertTrue(refused.getMessage().startsWith(text + " is not a multiple of 512 up to 1m"), refused.getMessage());
    }
}
