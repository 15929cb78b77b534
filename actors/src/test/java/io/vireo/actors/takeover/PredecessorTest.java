package io.vireo.actors.takeover;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vireo.actors.plane.DriveEstate;
import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;
import io.vireo.posix.UnixSocket;
import io.vireo.storage.node.OpenImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PredecessorTest {
    @TempDir
    Path folder;

    /** Whoever starts without it finds its image free, also of what it had heard of by then. */
    @Test
    void whatADaemonHandsOnThatDiesInTheMiddleIsClosed() throws Exception {
        Path image = Files.writeString(folder.resolve("disk.img"), "image");
        Path path = folder.resolve("s");
        try (UnixSocket listening = UnixSocket.listen(path, 1); Predecessor predecessor = new Predecessor(UnixSocket.connect(path))) {
            try (TakeoverLink old = new TakeoverLink(listening.accept());
                    Fd file = PosixFile.open(image.toString(), PosixFile.O_RDWR, 0)) {
                var drive = new DriveEstate("disk", "file", 0, Optional.of(new OpenImage(file, true)));
                old.send(Parcel.Kind.DRIVE, EstateParcels.of(drive), Duration.ofSeconds(20));
            }
            assertThrows(PredecessorGoneException.class, predecessor::estate);
            assertEquals(0, openFilesOf(image));
        }
    }

    private static long openFilesOf(Path image) throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.filter(fd -> isOf(fd, image)).count();
        }
    }

    private static boolean isOf(Path fd, Path image) {
        try {
            return Files.readSymbolicLink(fd).equals(image.toRealPath());
        } catch (IOException _) {
            return false; // it is gone, as the one is that lists them
        }
    }
}
