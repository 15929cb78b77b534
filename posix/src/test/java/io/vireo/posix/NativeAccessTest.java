package io.vireo.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class NativeAccessTest {
    /** What a program of somebody else does first. */
    static final class Program {
        public static void main(String[] arguments) {
            NativeAccess.require();
            System.out.println("tmp is " + PosixFile.status("/tmp").kind());
        }
    }

    @Test
    void namesTheFlagThatIsMissing() throws Exception {
        String output = run();
        assertTrue(output.contains("--enable-native-access=ALL-UNNAMED"), output);
        assertTrue(output.contains("IllegalStateException"), output);
    }

    @Test
    void linksWhenTheFlagIsThere() throws Exception {
        assertEquals("tmp is DIRECTORY", run("--enable-native-access=ALL-UNNAMED").strip());
    }

    @Test
    void saysWhyJnrCannotUnpackItsLibrary() throws Exception {
        String output = run("--enable-native-access=ALL-UNNAMED", "-Djffi.extract.dir=/proc/nowhere");
        assertTrue(output.contains("jffi.extract.dir"), output);
    }

    private static String run(String... flags) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Xshare:auto");
        command.add("-XX:TieredStopAtLevel=1");
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Program.class.getName()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output;
    }
}
