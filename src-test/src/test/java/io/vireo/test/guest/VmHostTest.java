package io.vireo.test.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** This machine as a host of guests, up to its KVM: {@link VmTest} uses it where that runs them. */
final class VmHostTest {
    @TempDir
    private Path folder;

    @Test
    void runsCommandsInATerminalWithAllThatTheyNeed() throws IOException {
        assumeFalse(Boolean.getBoolean("vireo.without-guest"), "--without-guest");
        Path disk = folder.resolve("disk.img");
        try (VmHost host = VmHost.local(folder, GuestImage.built(), List.of(disk), Map.of("job", "exit 0"), Guest.PATIENCE)) {
            host.run("test -r $GUEST/vmlinuz -a -r $GUEST/initrd -a -r $JOBS/job -a -d $TESTS -a -d $WORK");
            host.run("stty -g > $WORK/terminal");
            host.start("(exit 7)");
            assertEquals(7, host.awaitExit());
            assertEquals("{ driver = file, filename = \"" + disk + "\" }", host.drive(0));
            // Refused for its argument, and not for anything that the shell got wrong.
            host.startVm("job", "--memory 1");
            assertEquals(2, host.awaitExit());
        }
    }
}
