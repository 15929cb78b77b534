package io.vireo.test.guest;

import io.vireo.test.Child;
import io.vireo.test.Vireo;
import java.nio.file.Path;
import java.time.Duration;

/** The kernel and the initramfs of the test guest; built once, kept under target. */
record GuestImage(Path kernel, Path initrd) {
    private static final Duration DOWNLOAD = Duration.ofMinutes(5);

    static synchronized GuestImage built() {
        Path script = Vireo.HOME.resolve("src-test/src/test/guest/build-image");
        ProcessBuilder builder = new ProcessBuilder(script.toString(), System.getProperty("vireo.guest.images"));
        try (Child child = Child.start("build-image", builder)) {
            if (child.awaitExit(DOWNLOAD) != 0) throw child.failure("could not build the guest");
            Path folder = Path.of(child.out().getLast());
            return new GuestImage(folder.resolve("vmlinuz"), folder.resolve("initrd"));
        }
    }
}
