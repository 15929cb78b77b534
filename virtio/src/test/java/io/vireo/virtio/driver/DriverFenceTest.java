package io.vireo.virtio.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.Utf8Entry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The driver may know the specification's constants and the system, so that no mistake can be made on both sides. */
class DriverFenceTest {
    private static final String OURS = "io/vireo/virtio/driver";
    private static final Set<String> CONSTANTS = Set.of(
            "io/vireo/virtio/queue/VirtqueueLayout",
            "io/vireo/virtio/queue/PackedLayout",
            "io/vireo/virtio/blk/BlkLayout",
            "io/vireo/virtio/mmio/MmioLayout",
            "io/vireo/virtio/vhostuser/VhostUserLayout",
            "io/vireo/virtio/vhostuser/MessageType",
            "io/vireo/virtio/vhostuser/ProtocolFeatures");
    private static final Pattern NAME = Pattern.compile("io/vireo/[\\w/]+");
    private static final Pattern SOURCE_NAME = Pattern.compile("io\\.vireo\\.[\\w.]+");

    @Test
    void theCompiledDriverNamesNothingOfTheDeviceSide() throws IOException {
        Set<String> strangers = new TreeSet<>();
        List<Path> classes = files(Path.of("target/classes", OURS), ".class");
        assertTrue(classes.size() > 10, classes::toString);
        for (Path path : classes) strangers.addAll(notAllowed(namesIn(path)));
        assertEquals(Set.of(), strangers);
    }

    /** Constants are inlined, so only the source shows from where. */
    @Test
    void theDriversSourceImportsNothingOfTheDeviceSide() throws IOException {
        Set<String> strangers = new TreeSet<>();
        List<Path> sources = files(Path.of("src/main/java", OURS), ".java");
        assertTrue(sources.size() > 10, sources::toString);
        for (Path path : sources) {
            Set<String> names = new TreeSet<>();
            SOURCE_NAME.matcher(Files.readString(path)).results().forEach(found -> names.add(found.group().replace('.', '/')));
            strangers.addAll(notAllowed(names));
        }
        assertEquals(Set.of(), strangers);
    }

    @Test
    void theDeviceSideKnowsNoDriver() throws IOException {
        for (Path path : files(Path.of("target/classes/io/vireo/virtio"), ".class")) {
            if (path.startsWith(Path.of("target/classes", OURS))) continue;
            Set<String> names = namesIn(path);
            names.removeIf(name -> !name.startsWith(OURS));
            assertEquals(Set.of(), names, path::toString);
        }
    }

    private static Set<String> notAllowed(Set<String> names) {
        Set<String> strangers = new TreeSet<>();
        for (String name : names) {
            boolean allowed = name.startsWith(OURS) || name.startsWith("io/vireo/posix")
                    || CONSTANTS.stream().anyMatch(name::startsWith);
            if (!allowed) strangers.add(name);
        }
        return strangers;
    }

    private static Set<String> namesIn(Path classFile) throws IOException {
        Set<String> names = new TreeSet<>();
        ClassFile.of().parse(classFile).constantPool().forEach(entry -> {
            if (entry instanceof Utf8Entry text)
                NAME.matcher(text.stringValue()).results().forEach(found -> names.add(found.group()));
        });
        return names;
    }

    private static List<Path> files(Path root, String ending) throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            return all.filter(path -> path.toString().endsWith(ending)).toList();
        }
    }
}
