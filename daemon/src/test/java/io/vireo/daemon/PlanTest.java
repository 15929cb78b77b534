package io.vireo.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.vireo.actors.iothread.HostAio;
import io.vireo.config.ConfigLoader;
import io.vireo.config.Cpus;
import io.vireo.storage.node.AioMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlanTest {
    @TempDir
    private Path folder;

    private static List<String> plan(boolean uring, String hocon) {
        return Plan.of(ConfigLoader.of(ConfigFactory.parseString(hocon), Cpus.online()), uring).lines().toList();
    }

    private String drive(String options) throws Exception {
        Path image = Files.write(folder.resolve("image"), new byte[8192]);
        return "drives.root { driver = file, filename = \"" + image + "\"" + options + " }\n";
    }

    @Test
    void saysWhichEngineAutoIsHere() throws Exception {
        AioMode here = HostAio.choose(AioMode.AUTO, false, true).kind();
        assertTrue(here == AioMode.IO_URING || here == AioMode.THREADS, here.option());
        String line = plan(true, drive("")).getFirst();
        assertTrue(line.startsWith("drive root: file, 8192 bytes, cache.direct off, aio " + here + " (aio = auto"), line);
    }

    @Test
    void saysWhyItIsNotTheEngineAskedFor() throws Exception {
        assertEquals("drive root: file, 8192 bytes, cache.direct off, aio threads (aio = io_uring; aio = io_uring is refused: "
                + "it is switched off; aio = native needs cache.direct = on)", plan(false, drive(", aio = io_uring")).getFirst());
        assertEquals("drive root: file, 8192 bytes, cache.direct off, aio threads",
                plan(false, drive(", aio = threads")).getFirst());
    }

    @Test
    void saysWhereItIsReachedWatchedAndControlled() {
        String hocon = """
                drives.d { driver = null-co, size = 1M }
                devices { vda { drive = d, read-only = on, transport.path = /run/a.sock },
                  vdb { drive = d, read-only = on, transport { role = connect, path = /run/b.sock } } }
                metrics { port = 9999 }
                control.path = /run/c.sock
                """;
        List<String> lines = plan(true, hocon);
        assertTrue(lines.get(1).endsWith(", at /run/a.sock"), lines.get(1));
        assertTrue(lines.get(2).endsWith(", at /run/b.sock once its front-end listens"), lines.get(2));
        assertEquals(List.of("metrics at http://127.0.0.1:9999/metrics", "control socket at /run/c.sock"), lines.subList(3, 5));
    }

    @Test
    void saysWhoServesWhichQueue() {
        String hocon = """
                iothreads { a {}, b {} }
                drives { d { driver = null-co, size = 1M }, e { driver = null-co }, f { driver = null-co } }
                devices.one { drive = d, num-queues = 2, iothread = a }
                devices.two { drive = e, num-queues = 3, iothread-vq-mapping = [ { iothread = b }, { iothread = a } ] }
                devices.zoo { drive = f, num-queues = 1, write-cache = off }
                """;
        assertEquals(List.of(
                        "drive d: null-co, 1048576 bytes",
                        "drive e: null-co, 1073741824 bytes",
                        "drive f: null-co, 1073741824 bytes",
                        "device one: drive d, 2 queue(s) of 256, write-back, on a",
                        "device two: drive e, 3 queue(s) of 256, write-back, on b (queues 0 2), a (queues 1)",
                        "device zoo: drive f, 1 queue(s) of 256, write-through, on default0, of the default pool, as it names"
                                + " no iothread"),
                plan(true, hocon));
    }
}
